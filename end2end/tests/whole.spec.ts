// An answer is whole whatever happens to the page that shows it: no word is missing, none
// comes twice.

import type { Request } from "@playwright/test";

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

test("a reload in the middle of an answer", async ({ chat, essayist }) => {
  await chat.open(`/chat?agent=${essayist}`);
  await chat.ask(LONG_QUESTION);
  await chat.grows(60);
  await chat.page.reload();
  await expect(chat.answer).toHaveAttribute("data-state", "generating");
  await chat.grows((await chat.text()).length);
  await chat.page.reload();
  await expect(chat.answer).toHaveAttribute("data-state", "generating");
  await chat.finishes();
  expect(await asShown(chat)).toEqual(await asStored(chat));
});

test("two tabs on one answer", async ({ chat, context, essayist }) => {
  await chat.open(`/chat?agent=${essayist}`);
  await chat.ask(LONG_QUESTION);
  await chat.grows(60);

  const other = new Chat(await context.newPage());
  await other.page.goto(chat.path());
  await expect(other.answer).toHaveAttribute("data-state", "generating");
  await expect(other.stop).toBeVisible();
  await other.grows((await other.text()).length);

  await chat.finishes();
  await other.finishes();
  for (const tab of [chat, other]) await expect(tab.answer).toContainText("Cut off: the answer was as long as it may be.");
  const stored = await asStored(chat);
  expect(await asShown(chat)).toEqual(stored);
  expect(await asShown(other)).toEqual(stored);
});

/** The events that `request` asks for, cut off after so many bytes. */
async function cutOff(request: Request, bytes: number): Promise<string> {
  const answer = await fetch(request.url(), { headers: await request.allHeaders() });
  let heard = Buffer.alloc(0);
  for await (const part of answer.body!) {
    heard = Buffer.concat([heard, part]);
    if (heard.length >= bytes) break; // This also ends the connection.
  }
  return heard.subarray(0, bytes).toString();
}

test("connections that break in the middle of an event, and a server that refuses one", async ({ chat, page, essayist }) => {
  const asked: string[] = [];
  await page.route(/\/api\/generations\/.*\/events/, async (route) => {
    asked.push(new URL(route.request().url()).search);
    const cut = async (bytes: number) =>
      route.fulfill({ contentType: "text/event-stream", body: await cutOff(route.request(), bytes) });
    switch (asked.length) {
      case 1:
        return cut(1_001);
      case 2: // The browser tries again and gives up, so the page does.
        return route.fulfill({ status: 503, body: "Not just now" });
      case 3: // The page goes on from where it was.
        return cut(2_001);
      default: // The browser goes on, with Last-Event-ID, which Playwright does not see.
        return route.continue();
    }
  });

  await chat.open(`/chat?agent=${essayist}`);
  await chat.ask(LONG_QUESTION);
  await expect(chat.answer).toContainText("The connection is gone; trying again. Nothing is lost.");
  await chat.finishes();
  expect(asked).toHaveLength(4);
  expect(asked[2]).toMatch(/^\?after=[1-9]/);
  await expect(chat.answer).not.toContainText("The connection is gone");
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
