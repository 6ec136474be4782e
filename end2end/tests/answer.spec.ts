// A question and its answer, as it grows.

import type { Page } from "@playwright/test";

import { CONVERSATION, Chat, LONG_QUESTION, SHORT_QUESTION } from "../support/chat.ts";
import { expect, test } from "../support/fixtures.ts";
import { RICH_ANSWER } from "../support/samples.ts";

declare global {
  interface Window {
    /** How long the newest answer was, each time that it changed. */
    lengths: number[];
  }
}

/** Notes in the page itself how the newest answer grows. */
async function watchGrowth(page: Page): Promise<void> {
  await page.evaluate(() => {
    window.lengths = [];
    const look = () => {
      const answer = [...document.querySelectorAll(".message.agent .prose")].at(-1);
      const length = answer?.textContent?.length ?? 0;
      if (length !== window.lengths.at(-1)) window.lengths.push(length);
    };
    const all = { childList: true, characterData: true, subtree: true };
    new MutationObserver(look).observe(document.querySelector("#messages")!, all);
  });
}

test("an answer grows before the eye and ends with its details", async ({ chat, page }) => {
  await chat.open();
  await watchGrowth(page);
  await chat.ask(SHORT_QUESTION);
  expect(page.url()).toMatch(CONVERSATION);
  await expect(chat.stop).toBeVisible();
  await expect(chat.send).toBeHidden();
  await chat.finishes();

  await expect(chat.question).toContainText(SHORT_QUESTION);
  expect(await chat.text()).not.toBe("");
  const lengths = await page.evaluate(() => window.lengths);
  expect(new Set(lengths.filter((length) => length > 0)).size).toBeGreaterThanOrEqual(3);
  await expect(chat.send).toBeVisible();
  await expect(chat.stop).toBeHidden();
  await expect(chat.box).toBeEditable();

  await chat.answer.locator("summary").click();
  const fact = (name: string) =>
    chat.answer.locator("dl > div").filter({ has: page.getByText(name, { exact: true }) });
  await expect(fact("Model")).toContainText("smollm2");
  await expect(fact("Tokens read")).toContainText(/[1-9]\d*$/);
  await expect(fact("Tokens written")).toContainText(/[1-9]\d*$/);
  await expect(fact("Done after")).toContainText(/\d s$/);
});

test("an answer is called good, then bad, then neither", async ({ chat }) => {
  await chat.begin(SHORT_QUESTION);
  const good = chat.answer.getByRole("button", { name: "A good answer" });
  const bad = chat.answer.getByRole("button", { name: "A bad answer" });
  for (const [press, isGood, isBad] of [
    [good, true, false],
    [bad, false, true],
    [bad, false, false],
  ] as const) {
    await press.click();
    for (const look of [async () => {}, () => chat.reload()]) {
      await look();
      await expect(good).toHaveAttribute("aria-pressed", String(isGood));
      await expect(bad).toHaveAttribute("aria-pressed", String(isBad));
    }
  }
});

test("whoever waits for a model is told the place in the line", async ({ chat, elsewhere }) => {
  const [other, third] = [new Chat(await elsewhere("demo")), new Chat(await elsewhere("demo"))];
  // As many as the model answers at once.
  for (const busy of [chat, other]) {
    await busy.open();
    await busy.ask(LONG_QUESTION);
    await busy.grows();
  }
  await third.open();
  await third.ask(SHORT_QUESTION);
  await expect(third.answer.locator("[data-status]")).toHaveText("The model is busy: you are next");
  await chat.hush();
  await third.finishes();
  await other.hush();
});

test("who reads an answer from its start is told to forget what was saved of it", async ({ chat, page }) => {
  await chat.open();
  await chat.ask(SHORT_QUESTION);
  await chat.finishes();
  const events = await page.request.get(`/api/generations/${await chat.generation()}/events?after=0`);
  expect(await events.text()).toMatch(/^event: reset\nid: 0\ndata: \{"blocks":""\}\n/);
});

test("the person's own words stand in the thread before the server has them", async ({ chat, page }) => {
  let letGo = () => {};
  const held = new Promise<void>((resolve) => (letGo = resolve));
  await page.route("**/api/fn/send_message*", async (route) => {
    await held;
    await route.continue();
  });

  await chat.open();
  await chat.box.fill("Only on its way yet");
  await chat.box.press("Enter");
  await expect(chat.question).toContainText("Only on its way yet");
  await expect(chat.box).toHaveValue("");
  await expect(chat.answers).toHaveCount(0);

  letGo();
  await expect(chat.answers).toHaveCount(1);
  await expect(chat.questions).toHaveCount(1);
  await chat.hush();
});

test("an answer is copied as it was written, a question as it was typed", async ({ chat, page, samples }) => {
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  const copied = () => page.evaluate(() => navigator.clipboard.readText());
  await chat.open(samples.rich);
  await chat.answer.getByRole("button", { name: "Copy the answer" }).click();
  await expect.poll(copied).toBe(RICH_ANSWER);

  await chat.question.hover();
  await chat.question.getByRole("button", { name: "Copy the message" }).click();
  await expect.poll(copied).toBe("Show me everything that an answer can have");
});

test("a conversation gets its title and its line in the rail without a reload", async ({ chat, context }) => {
  await chat.open();
  await chat.ask(SHORT_QUESTION);
  await expect(chat.entry).toHaveAttribute("href", chat.path());
  await chat.finishes();

  const names = async (shown: Chat) => ({
    head: await shown.title.innerText(),
    line: await shown.entry.innerText(),
    menu: await shown.line().locator("summary").textContent(),
    tab: await shown.page.title(),
  });
  // The model may still be thinking about a better title; in the end both pages agree.
  const fresh = new Chat(await context.newPage());
  await expect(async () => {
    await fresh.page.goto(chat.path());
    expect(await names(chat)).toEqual(await names(fresh));
  }).toPass({ timeout: 15_000 });
  const { head, line, tab } = await names(chat);
  expect(line).toBe(head);
  expect(tab).toBe(`${head} · OneLastAI`);
});

test("Shift+Enter begins a line, an empty message is not sent", async ({ chat, page }) => {
  let sends = 0;
  page.on("request", (request) => {
    if (request.url().includes("send_message")) sends += 1;
  });
  await chat.open();
  await chat.box.press("Enter");
  await chat.box.pressSequentially("one");
  await chat.box.press("Shift+Enter");
  await chat.box.pressSequentially("two");
  await expect(chat.box).toHaveValue("one\ntwo");
  expect(sends).toBe(0);

  await chat.box.press("Enter");
  await expect(chat.answers).toHaveCount(1);
  expect(sends).toBe(1);
  expect((await chat.question.locator(".blocks").innerText()).trim()).toBe("one\ntwo");
  await chat.hush();
});

test("a second question goes into the same conversation", async ({ chat }) => {
  const path = await chat.begin("My name is Wilhelmina.");
  await chat.ask("What is my name?");
  expect(chat.path()).toBe(path);
  await expect(chat.questions).toHaveCount(2);
  await chat.finishes();
  await chat.reload();
  await expect(chat.questions).toHaveCount(2);
  await expect(chat.answers).toHaveCount(2);
});

test("a question to begin with is sent to the agent that offers it", async ({ chat, page }) => {
  await chat.open("/chat?agent=tutor");
  await page.getByRole("button", { name: "How does a hash table work?" }).click();
  await expect(chat.question).toContainText("How does a hash table work?");
  await page.waitForURL(CONVERSATION);
  await chat.hush();
  await chat.reload();
  await expect(page.getByRole("textbox", { name: "Message to Tutor" })).toBeVisible();
});

test("a message that the server does not take comes back with the reason", async ({ chat, page }) => {
  await page.route("**/api/fn/send_message*", (route) => route.abort("connectionfailed"));
  await chat.open();
  await chat.box.fill("Does anybody hear me?");
  await chat.box.press("Enter");
  await expect(chat.problem).toContainText("The connection is gone");
  await expect(chat.box).toHaveValue("Does anybody hear me?");
  await expect(chat.questions).toHaveCount(0);

  await page.unrouteAll();
  await chat.ask("Does anybody hear me?");
  await expect(chat.problem).toBeEmpty();
  await chat.hush();
});

test("a send whose answer got lost is not made twice", async ({ chat, page }) => {
  await page.route("**/api/fn/send_message*", async (route) => {
    await route.fetch(); // The server has it, but the page never hears of it.
    await route.abort("connectionreset");
  });
  await chat.open();
  const words = `Said once, at ${Date.now()}`;
  await chat.box.fill(words);
  await chat.box.press("Enter");
  await expect(chat.problem).toContainText("The connection is gone");
  await expect(chat.box).toHaveValue(words);

  await page.unrouteAll();
  await chat.ask(words);
  await chat.hush();
  await chat.reload();
  await expect(chat.questions).toHaveCount(1);
  await expect(chat.answers).toHaveCount(1);
  await expect(chat.rail.getByRole("link", { name: words })).toHaveCount(1);
});

test("while an answer is written in one tab, another tab cannot send", async ({ chat, context }) => {
  const path = await chat.begin("A conversation in two tabs");
  const other = new Chat(await context.newPage());
  await other.open(path);
  await chat.ask(LONG_QUESTION);

  await other.box.fill("Me too");
  await other.box.press("Enter");
  await expect(other.problem).toContainText("An answer is still being written.");
  await expect(other.box).toHaveValue("Me too");
  await expect(other.questions).toHaveCount(1);
  await chat.hush();
});

test("Back leads from a new chat to the conversation before it", async ({ chat, page }) => {
  const path = await chat.begin("A conversation to come back to");
  await chat.rail.getByRole("link", { name: "New chat", exact: true }).first().click();
  await page.waitForURL(/\/chat$/);
  await expect(chat.questions).toHaveCount(0);
  await page.goBack();
  expect(chat.path()).toBe(path);
  await expect(chat.question).toContainText("A conversation to come back to");
  await expect(chat.answers).toHaveCount(1);
  await chat.awake();
});
