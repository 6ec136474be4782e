// The chat, and what else asks a model, in light and dark, as wide as a desk's and a phone's: no
// violation of WCAG 2.2 AA that axe can find, and a picture to look at in test-results/screens/.
// The pages that ask none are in pages.spec.ts.

import { AgentDesk } from "../support/agents.ts";
import { LONG_QUESTION, SHORT_QUESTION } from "../support/chat.ts";
import { expect, test } from "../support/fixtures.ts";
import { look, picture } from "../support/looks.ts";
import { placeOf } from "../support/places.ts";

test.use({ reducedMotion: "reduce" });

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
});

test("an agent's own host", async ({ chat, page, exhibits }) => {
  await chat.open(placeOf(exhibits.agent));
  await look(page, "agent-host");
  await chat.ask(SHORT_QUESTION);
  await chat.hush();
  await look(page, "agent-host-conversation");
});

test("the sheet of keys", async ({ chat, page }) => {
  await chat.open();
  await page.getByRole("region", { name: "Messages" }).focus();
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard" })).toBeVisible();
  await look(page, "keys");
});
