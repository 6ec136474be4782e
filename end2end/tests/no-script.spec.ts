// Everything works without JavaScript.

import { signIn, signOut } from "../support/auth.ts";
import { CONVERSATION, Chat, LONG_QUESTION, SHORT_QUESTION } from "../support/chat.ts";
import { expect, test } from "../support/fixtures.ts";

test.use({ as: null, javaScriptEnabled: false });

test("sign in, ask, rename, delete, undo and sign out without JavaScript", async ({ chat, page }) => {
  await test.step("ask", async () => {
    await signIn(page, "demo");
    await chat.box.fill(SHORT_QUESTION);
    await chat.send.click();
    await page.waitForURL(CONVERSATION);
    await expect(chat.question).toContainText(SHORT_QUESTION);
  });
  const path = chat.path();

  await test.step("the page fetches the answer by itself", async () => {
    await chat.finishes();
    expect(await chat.text()).not.toBe("");
    await expect(chat.send).toBeVisible();
  });

  await test.step("call it good", async () => {
    const good = chat.answer.getByRole("button", { name: "A good answer" });
    await good.click();
    await expect(good).toHaveAttribute("aria-pressed", "true");
    expect(chat.path()).toBe(path);
  });

  await test.step("rename", async () => {
    await chat.rename("Without a script");
    await expect(chat.title).toHaveText("Without a script");
    await expect(chat.entry).toHaveText("Without a script");
    expect(new URL(page.url()).href).toBe(new URL(path, page.url()).href);
  });

  await test.step("delete", async () => {
    await chat.delete();
    await expect(page.getByText("Deleted “Without a script”.")).toBeVisible();
    await expect(chat.line(path)).toHaveCount(0);
  });

  await test.step("undo", async () => {
    await page.getByRole("button", { name: "Undo" }).click();
    await expect(chat.title).toHaveText("Without a script");
    expect(chat.path()).toBe(path);
    await expect(chat.answer).toHaveAttribute("data-state", "complete");
  });

  await test.step("the theme", async () => {
    await page.locator(".account > summary").click();
    await page.getByRole("button", { name: "Dark" }).click();
    await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
    expect(chat.path()).toBe(path);
  });

  await test.step("sign out", async () => {
    await signOut(page);
    await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
  });
});

test("an answer is stopped without JavaScript", async ({ chat, page }) => {
  await signIn(page, "demo");
  await chat.box.fill(LONG_QUESTION);
  await chat.send.click();
  await page.waitForURL(CONVERSATION);
  await chat.stop.click();
  await chat.finishes("stopped");
  await expect(chat.send).toBeVisible();

  const stopped = await chat.generation();
  await chat.answer.getByRole("button", { name: "Try again" }).click();
  await expect(chat.answer).not.toHaveAttribute("data-generation", stopped);
  await expect(chat.questions).toHaveCount(1);
  await expect(chat.answers).toHaveCount(1);
  await chat.stop.click();
  await chat.finishes("stopped");
});

test("another message after Back is another message without JavaScript", async ({ chat, page }) => {
  await signIn(page, "demo");
  await chat.box.fill(SHORT_QUESTION);
  await chat.send.click();
  await page.waitForURL(CONVERSATION);
  await chat.finishes();
  const first = chat.path();
  // The page that fetches its answer may be there more than once.
  do await page.goBack();
  while (chat.path() === first);

  const words = "Something else: is the sea blue?";
  await chat.box.fill(words);
  await chat.send.click();
  await page.waitForURL(CONVERSATION);
  expect(chat.path()).not.toBe(first);
  await expect(chat.question).toContainText(words);
  await expect(chat.questions).toHaveCount(1);
  await chat.finishes();
});

test("what is wrong with a message is said without JavaScript", async ({ chat, page }) => {
  await signIn(page, "demo");
  // The browser itself would not send only spaces after a `required`, but takes them.
  await chat.box.fill("   ");
  await chat.send.click();
  await expect(chat.problem).toContainText("Write a message first.");
});

test("a message that is not taken stays in the box without JavaScript", async ({ chat, page }) => {
  await signIn(page, "demo");
  await chat.box.fill(SHORT_QUESTION);
  await chat.send.click();
  await page.waitForURL(CONVERSATION);
  await chat.finishes();
  const other = new Chat(await page.context().newPage());
  await other.page.goto(chat.path());
  await chat.box.fill(LONG_QUESTION);
  await chat.send.click();
  await expect(chat.stop).toBeVisible();

  const words = "Me too <b>please</b> & </textarea> thanks";
  await other.box.fill(words);
  await other.send.click();
  await expect(other.problem).toContainText("An answer is still being written.");
  await expect(other.box).toHaveValue(words);
  await other.stop.click();
  await other.finishes("stopped");
  await expect(other.box).toHaveValue(words);
  await other.send.click();
  await expect(other.question).toContainText(words);
  await expect(other.box).toHaveValue("");
});
