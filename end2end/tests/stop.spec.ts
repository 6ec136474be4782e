// Stopping an answer: quick, and what was written is kept.

import { LONG_QUESTION, SHORT_QUESTION, type Chat } from "../support/chat.ts";
import { databaseTime, endedAfter } from "../support/database.ts";
import { expect, test } from "../support/fixtures.ts";

/** The page, which is busy itself, shows a stop within this time. */
const SOON = { timeout: 3_000 };
/** The server has ended the answer, by the database's clock, so many seconds after the press. */
const MOST_SECONDS = 1;

const ways: [string, (chat: Chat) => Promise<void>][] = [
  ["the button", (chat) => chat.stop.click()],
  ["Escape", (chat) => chat.page.keyboard.press("Escape")],
];

for (const [name, stop] of ways) {
  test(`${name} stops an answer and keeps what there is`, async ({ chat }) => {
    await chat.open();
    await chat.ask(LONG_QUESTION);
    await chat.grows(100);
    const pressed = databaseTime();
    await stop(chat);

    await expect(chat.answer).toHaveAttribute("data-state", "stopped", SOON);
    const seconds = endedAfter(await chat.generation(), pressed);
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThan(MOST_SECONDS);
    await expect(chat.answer).toContainText("Stopped. What was written is kept.");
    await expect(chat.send).toBeVisible();
    const kept = await chat.html();
    expect((await chat.text()).length).toBeGreaterThan(100);

    await chat.reload();
    await expect(chat.answer).toHaveAttribute("data-state", "stopped");
    expect(await chat.html()).toBe(kept);
  });
}

test("a stop after the end changes nothing", async ({ chat, page }) => {
  await chat.open();
  await chat.ask(SHORT_QUESTION);
  await chat.finishes();
  const before = await chat.html();
  await page.keyboard.press("Escape");

  const generation = await chat.generation();
  const status = await page.evaluate(async (generation) => {
    const body = new URLSearchParams({ generation });
    return (await fetch("/api/fn/stop_answer", { method: "POST", body })).status;
  }, generation);
  expect(status).toBe(200);

  await chat.reload();
  await expect(chat.answer).toHaveAttribute("data-state", "complete");
  expect(await chat.html()).toBe(before);
});

test("an answer that was stopped is tried again in its place", async ({ chat, page }) => {
  await chat.open();
  await chat.ask(LONG_QUESTION);
  await chat.stop.click();
  await chat.finishes("stopped");
  const stopped = await chat.generation();

  await chat.answer.getByRole("button", { name: "Try again" }).click();
  await expect(chat.answer).not.toHaveAttribute("data-generation", stopped);
  await expect(chat.questions).toHaveCount(1);
  await expect(chat.answers).toHaveCount(1);
  await chat.grows();
  await chat.hush();
  const html = await chat.html();
  await chat.reload();
  await expect(chat.answers).toHaveCount(1);
  expect(await chat.html()).toBe(html);

  // After something else was said, it stays as it is.
  await chat.ask(SHORT_QUESTION);
  await expect(page.getByRole("button", { name: "Try again" })).toHaveCount(0);
  await chat.hush();
});
