// An answer is whole whatever happens to the page that shows it: no word is missing, none
// comes twice.

import { Chat, LONG_QUESTION, SHORT_QUESTION } from "../support/chat.ts";
import { expect, test } from "../support/fixtures.ts";

/** What a page that never saw the answer grow shows: the text as it is in the database. */
async function asStored(chat: Chat): Promise<{ html: string; text: string }> {
  const fresh = new Chat(await chat.page.context().newPage());
  await fresh.open(chat.path());
  const stored = { html: await fresh.html(), text: await fresh.text() };
  await fresh.page.close();
  return stored;
}

async function asShown(chat: Chat): Promise<{ html: string; text: string }> {
  return { html: await chat.html(), text: await chat.text() };
}

test("an answer that nothing disturbs is shown as it is stored", async ({ chat }) => {
  await chat.open("/chat?agent=reviewer");
  await chat.ask("Write a Rust function that reverses the words of a sentence.");
  await chat.finishes();
  expect(await asShown(chat)).toEqual(await asStored(chat));
});

test("a reload in the middle of an answer", async ({ chat }) => {
  await chat.open();
  await chat.ask(LONG_QUESTION);
  await chat.grows(60);
  await chat.reload();
  await chat.grows(200);
  await chat.reload();
  await expect(chat.answer).toHaveAttribute("data-state", "generating");
  await chat.finishes();
  expect(await asShown(chat)).toEqual(await asStored(chat));
});

test("two tabs on one answer", async ({ chat, context }) => {
  await chat.open();
  await chat.ask(LONG_QUESTION);
  await chat.grows(60);

  const other = new Chat(await context.newPage());
  await other.open(chat.path());
  await expect(other.answer).toHaveAttribute("data-state", "generating");
  await expect(other.stop).toBeVisible();

  await chat.finishes();
  await other.finishes();
  const stored = await asStored(chat);
  expect(await asShown(chat)).toEqual(stored);
  expect(await asShown(other)).toEqual(stored);
});

test("a connection that breaks, and a server that refuses the next ones", async ({ chat, context, page }) => {
  let connections = 0;
  await page.route(/\/api\/generations\/.*\/events/, (route) => {
    connections += 1;
    const refused = connections === 2 || connections === 3;
    return refused ? route.fulfill({ status: 503, body: "Not just now" }) : route.continue();
  });
  await chat.open();
  await chat.ask(LONG_QUESTION);
  await chat.grows(100);
  await context.setOffline(true);
  await expect(chat.answer).toContainText("The connection is gone; trying again. Nothing is lost.");
  await context.setOffline(false);

  await chat.finishes();
  expect(connections).toBeGreaterThanOrEqual(4);
  expect(await asShown(chat)).toEqual(await asStored(chat));
});

test("a page that is closed as soon as its message is sent", async ({ chat, context }) => {
  await chat.open();
  await chat.ask(`${SHORT_QUESTION} I won't wait.`);
  const path = chat.path();
  await chat.page.close();

  const later = new Chat(await context.newPage());
  await later.open(path);
  await later.finishes();
  await expect(later.question).toContainText("I won't wait.");
  expect(await later.text()).not.toBe("");
  expect(await asShown(later)).toEqual(await asStored(later));
});

test("a page that is closed before the server has said that it has the message", async ({ chat, context }) => {
  await chat.open();
  const words = `Closed at once, at ${Date.now()}`;
  await chat.box.fill(words);
  const sent = chat.page.waitForRequest(/send_message/);
  await chat.box.press("Enter");
  await sent;
  await chat.page.close();

  const later = new Chat(await context.newPage());
  await expect(async () => {
    await later.open();
    await expect(later.rail.getByRole("link").filter({ hasText: "Closed at once" }).first()).toBeVisible({ timeout: 500 });
  }).toPass({ timeout: 10_000 });
  await later.rail.getByRole("link").filter({ hasText: "Closed at once" }).first().click();
  await later.awake();
  await later.finishes();
  await expect(later.question).toContainText(words);
});
