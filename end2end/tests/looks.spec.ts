// Every page in light and dark, on a desk and on a phone: no violation of WCAG 2.2 AA that
// axe can find, and a picture to look at in test-results/screens/.

import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";

import { rewriteAnswer } from "../support/database.ts";
import { expect, test } from "../support/fixtures.ts";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const SIZES = [
  { width: 1280, height: 800 },
  { width: 390, height: 844 },
];

/** What axe has against the page, one line each. */
async function violations(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map((node) => `${id} (${help}): ${node.target.join(" ")}`),
  );
}

for (const colorScheme of ["light", "dark"] as const) {
  for (const viewport of SIZES) {
    test.describe(`${colorScheme}, ${viewport.width} px`, () => {
      test.use({ colorScheme, viewport, reducedMotion: "reduce" });

      /** Looks at the page as it is now. */
      async function look(page: Page, name: string): Promise<void> {
        const path = `test-results/screens/${name}-${colorScheme}-${viewport.width}.png`;
        const picture = await page.screenshot({ path });
        await test.info().attach(name, { body: picture, contentType: "image/png" });
        expect(await violations(page)).toEqual([]);
      }

      test.describe("of a stranger", () => {
        test.use({ as: null });
        test("the front door", async ({ page }) => {
          await page.goto("/");
          await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
          await look(page, "home");
        });
      });

      test("a new chat", async ({ chat, page }) => {
        await chat.open();
        await look(page, "new-chat");
      });

      test("a conversation", async ({ chat, page, richConversation }) => {
        await chat.open(richConversation);
        await expect(chat.answer.locator("table")).toBeVisible();
        await expect(chat.answer.locator(".code-block")).toBeVisible();
        await look(page, "conversation");
      });

      test("a conversation with its menus open", async ({ chat, page, richConversation }) => {
        await chat.open(richConversation);
        await chat.answer.locator("summary").click();
        await chat.openMenu();
        await page.locator(".account > summary").click();
        await look(page, "menus");
      });

      test("the choice of agents", async ({ chat, page }) => {
        await chat.open();
        await page.getByRole("button", { name: "Pick another agent" }).click();
        await expect(page.getByRole("list", { name: "Agents" }).last()).toBeVisible();
        await look(page, "agents");
      });

      test("an answer that failed", async ({ chat, page }) => {
        await chat.begin("A question that no model answers");
        const failed = { text: "It begins well, and then", status: "failed", error: "idle_timeout" } as const;
        rewriteAnswer((await chat.answer.getAttribute("id")) ?? "", failed);
        await chat.reload();
        await expect(chat.answer).toContainText("The model fell silent");
        await look(page, "failed");
      });

      test("a conversation that was just deleted", async ({ chat, page }) => {
        await chat.begin("A conversation that is deleted for its looks");
        await chat.reload();
        await chat.delete();
        await expect(page.getByRole("button", { name: "Undo" })).toBeVisible();
        await look(page, "deleted");
      });

      test("a page that isn't there", async ({ page }) => {
        for (const path of ["/chat/019a0000-0000-7000-8000-000000000001", "/nowhere"]) {
          const answer = await page.goto(path);
          expect(answer?.status()).toBe(404);
          await expect(page.getByRole("heading", { level: 1 })).toHaveText("Nothing here");
          await look(page, path === "/nowhere" ? "not-found" : "not-yours");
        }
      });
    });
  }
}
