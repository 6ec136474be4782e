// The page is there before its program is; what happens in between is not lost.

import { CONVERSATION, LONG_QUESTION } from "../support/chat.ts";
import { expect, test } from "../support/fixtures.ts";
import type { Page } from "@playwright/test";

/** Keeps the program away from the page until the function it gives is called. */
async function holdProgram(page: Page): Promise<() => void> {
  let letGo = () => {};
  const held = new Promise<void>((resolve) => (letGo = resolve));
  await page.route("**/*.wasm", async (route) => {
    await held;
    await route.continue();
  });
  return letGo;
}

test("what was typed before the page woke is still there, and Enter sends it", async ({ chat, page }) => {
  const letGo = await holdProgram(page);
  await page.goto("/chat");
  await chat.box.click();
  await chat.box.pressSequentially("Typed before anything was ready");
  letGo();
  await chat.awake();
  await expect(chat.box).toHaveValue("Typed before anything was ready");
  await expect(chat.box).toBeFocused();

  await chat.box.press("End");
  await chat.box.pressSequentially(", and after");
  await chat.box.press("Enter");
  await expect(chat.question).toContainText("Typed before anything was ready, and after");
  await page.waitForURL(CONVERSATION);
  await chat.hush();
});

test("a message can be sent before the page woke", async ({ chat, page }) => {
  await holdProgram(page);
  await page.goto("/chat");
  await chat.box.fill(LONG_QUESTION);
  await chat.send.click();
  await page.waitForURL(CONVERSATION);
  await expect(chat.question).toContainText(LONG_QUESTION);
  await chat.stop.click();
  await chat.finishes("stopped");
});

test("the first Tab leads past the rail to the message box", async ({ chat, page }) => {
  const letGo = await holdProgram(page);
  await page.goto("/chat");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Go to the message box" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(chat.box).toBeFocused();
  letGo();
  await chat.awake();
  await page.keyboard.type("Sent by keyboard");
  await page.keyboard.press("Enter");
  await expect(chat.question).toContainText("Sent by keyboard");
  await page.waitForURL(CONVERSATION);
  await chat.hush();
});

test("the message box grows with its lines, scrolls when it is tall, and shrinks again", async ({ chat, page }) => {
  await chat.open();
  const frame = page.locator("#composer .grow");
  const height = () => frame.evaluate((it) => it.clientHeight);
  const hidden = () => frame.evaluate((it) => it.scrollHeight - it.clientHeight);
  const lines = (count: number) => chat.box.fill(Array(count).fill("line").join("\n"));
  const one = await height();
  await lines(4);
  await expect.poll(height).toBeGreaterThan(one + 40);
  expect(await hidden()).toBe(0);

  await lines(80);
  await expect.poll(hidden).toBeGreaterThan(0);
  expect(await height()).toBeLessThanOrEqual(0.4 * (page.viewportSize()?.height ?? 0));
  await expect(chat.send).toBeInViewport({ ratio: 1 });

  await chat.box.fill("");
  await expect.poll(height).toBe(one);
});

test("a draft outlives a reload", async ({ chat }) => {
  await chat.open();
  await chat.box.pressSequentially("Not sent yet");
  await chat.reload();
  await expect(chat.box).toHaveValue("Not sent yet");
});

test("a page wakes without an error, and asks no other host for anything", async ({ chat, page, baseURL, samples }) => {
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(message.text());
  });
  page.on("requestfailed", (request) => problems.push(`failed: ${request.url()}`));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.origin !== baseURL && url.protocol !== "data:") problems.push(`elsewhere: ${url.origin}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) problems.push(`${response.status()} ${response.url()}`);
  });
  await chat.open();
  await chat.open(samples.rich);
  await page.goto("/");
  expect(problems).toEqual([]);
});
