// Every page in light and dark, on a desk and on a phone: no violation of WCAG 2.2 AA that
// axe can find, and a picture to look at in test-results/screens/.

import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";

import { LONG_QUESTION } from "../support/chat.ts";
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

      /** Keeps a picture of the page as it is now. */
      async function picture(page: Page, name: string): Promise<void> {
        const path = `test-results/screens/${name}-${colorScheme}-${viewport.width}.png`;
        const body = await page.screenshot({ path });
        await test.info().attach(name, { body, contentType: "image/png" });
      }

      async function look(page: Page, name: string): Promise<void> {
        await picture(page, name);
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

      test("a new chat, and the choice of agents", async ({ chat, page }) => {
        await chat.open();
        await look(page, "new-chat");
        await page.getByRole("button", { name: "Pick another agent" }).click();
        await expect(page.getByRole("list", { name: "Agents" }).last()).toBeVisible();
        await look(page, "agents");
      });

      test("a conversation, and its menus", async ({ chat, page, samples }) => {
        await chat.open(samples.rich);
        await expect(chat.answer.locator("table")).toBeVisible();
        await look(page, "conversation");
        await chat.answer.locator(".code-block").scrollIntoViewIfNeeded();
        await picture(page, "code");

        await chat.answer.locator("summary").click();
        await chat.openMenu();
        await page.locator(".account > summary").click();
        await look(page, "menus");
      });

      test("an answer that is being written", async ({ chat, page }) => {
        await chat.open();
        await chat.ask(LONG_QUESTION);
        await chat.grows();
        await look(page, "writing");
        await chat.hush();
        await look(page, "stopped");
      });

      test("an answer that failed", async ({ chat, page, samples }) => {
        await chat.open(samples.failed);
        await expect(chat.answer).toContainText("The model fell silent");
        await look(page, "failed");
      });

      test("a conversation that was just deleted", async ({ chat, page, samples }) => {
        await chat.open(samples.deleted);
        await expect(page.getByRole("button", { name: "Undo" })).toBeVisible();
        await look(page, "deleted");
      });

      if (viewport.width > 800) {
        test("the sheet of keys", async ({ chat, page }) => {
          await chat.open();
          await page.getByRole("region", { name: "Messages" }).focus();
          await page.keyboard.press("?");
          await expect(page.getByRole("dialog", { name: "Keyboard" })).toBeVisible();
          await look(page, "keys");
        });
      }

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
