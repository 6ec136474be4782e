// Every page in light and dark, as wide as a desk's and a phone's: no violation of WCAG 2.2 AA that
// axe can find, and a picture to look at in test-results/screens/.

import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";

import { AgentDesk, freshSlug, makeAgent } from "../support/agents.ts";
import { LONG_QUESTION, SHORT_QUESTION } from "../support/chat.ts";
import { expect, test } from "../support/fixtures.ts";
import { placeOf } from "../support/places.ts";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const DESK = { width: 1280, height: 800 };
const SIZES = [DESK, { width: 390, height: 844 }];

/** What axe has against the page, one line each. */
async function violations(page: Page): Promise<string[]> {
  // No page has frames, for which alone another blank page would be opened and filled with axe.
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().withTags(TAGS).analyze();
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map((node) => `${id} (${help}): ${node.target.join(" ")}`),
  );
}

/** How far the page can be scrolled to the side. What is wide has to scroll by itself. */
async function sideways(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

test.use({ reducedMotion: "reduce" });

/** Keeps a picture of the page as it is now. */
async function picture(page: Page, name: string): Promise<void> {
  const path = `test-results/screens/${name}.png`;
  const body = await page.screenshot({ path });
  await test.info().attach(name, { body, contentType: "image/png" });
}

/** Looks at the page in every light and size; it is light and as wide as a desk again afterwards. */
async function look(page: Page, name: string): Promise<void> {
  for (const viewport of SIZES) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ["dark", "light"] as const) {
      await page.emulateMedia({ colorScheme });
      const view = `${name}-${colorScheme}-${viewport.width}`;
      await picture(page, view);
      expect.soft(await violations(page), view).toEqual([]);
    }
    expect.soft(await sideways(page), `${name}, ${viewport.width} px`).toBe(0);
  }
  await page.setViewportSize(DESK);
}

test.describe("of a stranger", () => {
  test.use({ as: null });
  test("the front door", async ({ page }) => {
    await page.goto("/");
    await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
    await look(page, "home");
  });

  test("the reference of the API", async ({ page }) => {
    await page.goto("/docs");
    await expect(page.getByRole("heading", { name: "API", level: 1 })).toBeVisible();
    await look(page, "reference");
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

test.describe("of a maker of agents", () => {
  test.use({ as: "maker" });
  test("the dashboard", async ({ page, exhibits }) => {
    for (const [name, path] of [
      ["agents-roster", "/agents"],
      ["agents-import", "/agents/import"],
      ["agent-build", `/agents/${exhibits.agent}`],
      ["agent-versions", `/agents/${exhibits.agent}/versions`],
      ["agent-comparison", `/agents/${exhibits.agent}/versions/2`],
      ["agent-numbers", `/agents/${exhibits.agent}/numbers`],
      ["account", "/account"],
    ] as const) {
      expect((await page.goto(path))?.status(), path).toBe(200);
      // What is folded is looked at open.
      for (const fold of await page.locator("details.fold > summary").all()) await fold.click();
      await look(page, name);
    }
  });

  test("a new agent, what is wrong with it, and its trial", async ({ page }) => {
    const desk = new AgentDesk(page);
    await page.goto("/agents/new");
    await look(page, "agent-new");
    await desk.fill({ Temperature: "9", Slug: "admin" });
    await desk.create.click();
    await expect(desk.problem).toBeVisible();
    await look(page, "agent-wrong");
    await desk.fill({ Name: "Tried", Temperature: "", "A question to try it with": SHORT_QUESTION });
    await desk.press("Ask");
    await expect(page.getByRole("region", { name: /said$/ })).toBeVisible({ timeout: 60_000 });
    await look(page, "agent-tried");
  });

  test("an agent that was just deleted", async ({ page }) => {
    const desk = new AgentDesk(page);
    await page.goto(`/agents/${await makeAgent(page.request, { slug: freshSlug("gone") })}`);
    await desk.press("Delete");
    await expect(desk.done).toBeVisible();
    await page.locator("details.fold > summary").click();
    await look(page, "agent-deleted");
  });
});

test.describe("of an administrator", () => {
  test.use({ as: "admin" });
  test("administration", async ({ page, exhibits }) => {
    for (const [name, path] of [
      ["users", "/admin"],
      ["user", `/admin/users/${exhibits.user}`],
      ["models", "/admin/models"],
      ["model-new", "/admin/models/new"],
      ["audit", "/admin/audit"],
      ["audit-entry", "/admin/audit/entry/1"],
    ] as const) {
      expect((await page.goto(path))?.status(), path).toBe(200);
      await look(page, name);
    }
  });
});

test("the keys of an account", async ({ page }) => {
  for (const [name, path] of [
    ["keys-of-account", "/account/keys"],
    ["key-new", "/account/keys/new"],
  ] as const) {
    expect((await page.goto(path))?.status(), path).toBe(200);
    await look(page, name);
  }
});

test("an agent's own host", async ({ chat, page, exhibits }) => {
  await chat.open(placeOf(exhibits.agent));
  await look(page, "agent-host");
  await chat.ask(SHORT_QUESTION);
  await chat.hush();
  await look(page, "agent-host-conversation");
});

test.describe("of a stranger at an agent's host", () => {
  test.use({ as: null });
  test("the front of a public agent", async ({ page, exhibits }) => {
    await page.goto(placeOf(exhibits.agent));
    await expect(page.getByRole("link", { name: "Sign in and chat" })).toBeVisible();
    await look(page, "agent-front");
  });
});

test("the sheet of keys", async ({ chat, page }) => {
  await chat.open();
  await page.getByRole("region", { name: "Messages" }).focus();
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard" })).toBeVisible();
  await look(page, "keys");
});

test("a page that isn't there", async ({ page }) => {
  for (const path of ["/chat/019a0000-0000-7000-8000-000000000001", "/nowhere"]) {
    const answer = await page.goto(path);
    expect(answer?.status()).toBe(404);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Nothing here");
    await look(page, path === "/nowhere" ? "not-found" : "not-yours");
  }
});
