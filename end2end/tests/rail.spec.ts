// The list of conversations: rename, delete, undo; and the keyboard.

import { signIn } from "../support/auth.ts";
import { addConversations } from "../support/database.ts";
import { expect, test } from "../support/fixtures.ts";

test("a conversation is renamed and keeps its name", async ({ chat }) => {
  const path = await chat.begin("A conversation to rename");
  await chat.reload();
  await chat.rename("  Its   new name ");

  await expect(chat.title).toHaveText("Its new name");
  await expect(chat.entry).toHaveText("Its new name");
  expect(chat.path()).toBe(path);
  await chat.reload();
  await expect(chat.title).toHaveText("Its new name");
});

test("a conversation that has just begun can be renamed without a reload", async ({ chat }) => {
  const path = await chat.begin("A conversation to rename at once");
  await chat.rename("Renamed at once");
  await expect(chat.title).toHaveText("Renamed at once");
  expect(chat.path()).toBe(path);
});

test("a deleted conversation comes back with Undo", async ({ chat, page }) => {
  const path = await chat.begin("A conversation to delete");
  await chat.reload();
  const title = await chat.entry.innerText();
  await chat.delete();

  await expect(page.getByText(`Deleted “${title}”.`)).toBeVisible();
  await expect(chat.line(path)).toHaveCount(0);
  await expect(chat.questions).toHaveCount(0);
  const gone = await page.request.get(path);
  expect(gone.status()).toBe(404);

  await page.getByRole("button", { name: "Undo" }).click();
  await expect(chat.title).toHaveText(title);
  expect(chat.path()).toBe(path);
  await expect(chat.question).toContainText("A conversation to delete");
});

test("deleting another conversation stays with the one on the page", async ({ chat, page }) => {
  const other = await chat.begin("A conversation in the background");
  const path = await chat.begin("A conversation in front");
  await chat.reload();
  await chat.delete(other);

  await expect(page.getByRole("button", { name: "Undo" })).toBeVisible();
  expect(chat.path()).toBe(path);
  await expect(chat.question).toContainText("A conversation in front");
  await expect(chat.line(other)).toHaveCount(0);
});

test("the keyboard: new chat, the message box, the sheet of keys", async ({ chat, page }) => {
  await chat.begin("A conversation to leave by keyboard");
  await page.keyboard.press("Control+Shift+O");
  await page.waitForURL(/\/chat$/);
  await chat.awake();
  await expect(chat.answers).toHaveCount(0);

  const sheet = page.getByRole("dialog", { name: "Keyboard" });
  const thread = page.getByRole("region", { name: "Messages" });
  // In the box these keys are letters.
  await chat.box.pressSequentially("?/");
  await expect(chat.box).toHaveValue("?/");
  await expect(sheet).toBeHidden();

  await thread.focus();
  await page.keyboard.press("?");
  await expect(sheet).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(sheet).toBeHidden();

  await thread.focus();
  await page.keyboard.press("/");
  await expect(chat.box).toBeFocused();
  await expect(chat.box).toHaveValue("?/");
});

test("the theme changes at once and is still there after a reload", async ({ chat, page }) => {
  await chat.open();
  const root = page.locator("html");
  await page.locator(".account > summary").click();
  const told = page.waitForResponse((response) => response.url().endsWith("/theme"));
  await page.getByRole("button", { name: "Dark" }).click();
  await expect(root).toHaveAttribute("data-theme", "dark");
  await told;
  await chat.reload();
  await expect(root).toHaveAttribute("data-theme", "dark");
});

test.describe("of somebody with many conversations", () => {
  test.use({ as: null });
  test("every one of them can be reached", async ({ chat, newcomer, page }) => {
    await signIn(page, newcomer);
    addConversations(newcomer.username, 130);
    await chat.reload();
    const line = (number: number) => chat.rail.getByRole("link", { name: `Chat ${number}`, exact: true });
    await expect(line(100)).toBeVisible();
    await expect(line(101)).toHaveCount(0);

    await chat.rail.getByRole("link", { name: "Older chats" }).click();
    await expect(line(101)).toBeVisible();
    await expect(line(130)).toBeVisible();
    await expect(line(100)).toHaveCount(0);
    await expect(chat.rail.getByRole("link", { name: "Older chats" })).toHaveCount(0);

    await chat.rail.getByRole("link", { name: "Newest chats" }).click();
    await expect(line(1)).toBeVisible();
    await line(100).click();
    await expect(chat.title).toHaveText("Chat 100");
  });
});
