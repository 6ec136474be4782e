// Nothing that anybody types, or that a model says, runs in a page.

import type { Page } from "@playwright/test";

import { signIn } from "../support/auth.ts";
import { rewriteAnswer } from "../support/database.ts";
import { BASE_URL } from "../support/environment.ts";
import { expect, test } from "../support/fixtures.ts";
import { HOSTILE, HOSTILE_MARKDOWN } from "../support/samples.ts";

const dialogs: string[] = [];
const blocked: string[] = [];

test.beforeEach(async ({ page }) => {
  dialogs.length = 0;
  blocked.length = 0;
  page.on("dialog", async (dialog) => {
    dialogs.push(dialog.message());
    await dialog.dismiss();
  });
  // The policy is the second wall: nothing should even get as far as that.
  page.on("console", (message) => {
    if (/Content Security Policy/i.test(message.text())) blocked.push(message.text());
  });
});

/** Nothing ran, nothing tried to, and nothing that could is in the page. */
async function harmless(page: Page): Promise<void> {
  expect(dialogs).toEqual([]);
  expect(blocked).toEqual([]);
  expect(await page.evaluate(() => "__pwned" in window)).toBe(false);
  const suspects = await page.evaluate(() => {
    const bad: string[] = [];
    for (const element of document.querySelectorAll("*")) {
      // The head, and what the page itself ends with, has scripts of ours: they have a nonce.
      const ours = element.matches("script[nonce], link, meta:not([http-equiv]), head > style");
      const odd = element.matches("script, iframe, object, embed, base, style, img, animate, link, meta");
      const attributes = [...element.attributes].filter(
        ({ name, value }) => /^on/i.test(name) || name === "srcdoc" || /^\s*(java\s*script|data|vbscript):/i.test(value),
      );
      if ((odd && !ours) || attributes.length > 0) bad.push(element.outerHTML.slice(0, 200));
    }
    return bad;
  });
  expect(new URL(page.url()).origin).toBe(BASE_URL);
  expect(suspects).toEqual([]);
}

test("hostile text stays text in a message, at once and after a reload", async ({ chat, page }) => {
  const text = HOSTILE.join("\n");
  await chat.begin(text);
  expect((await chat.question.locator(".blocks").innerText()).trim()).toBe(text);
  await harmless(page);

  await chat.reload();
  expect((await chat.question.locator(".blocks").innerText()).trim()).toBe(text);
  await harmless(page);
});

test("hostile text stays text in a title", async ({ chat, page }) => {
  await chat.begin(HOSTILE[0]);
  await harmless(page);
  for (const title of HOSTILE) {
    await chat.rename(title);
    await expect(chat.title).toHaveText(title);
    await expect(chat.entry).toHaveText(title);
    await expect(page).toHaveTitle(`${title} · OneLastAI`);
    await harmless(page);
  }

  await chat.delete();
  await expect(page.getByText(`Deleted “${HOSTILE.at(-1)}”.`)).toBeVisible();
  await harmless(page);
});

test("hostile text stays harmless in an answer", async ({ chat, page }) => {
  await chat.begin("Say something hostile");
  const id = (await chat.answer.getAttribute("id")) ?? "";
  for (const text of [HOSTILE.join("\n\n"), HOSTILE.join("\n"), HOSTILE_MARKDOWN.join("\n\n")]) {
    rewriteAnswer(id, { text, status: "complete" });
    await chat.reload();
    expect(await chat.text()).not.toBe("");
    await harmless(page);
    for (const link of await chat.answer.locator("a").all()) {
      expect(await link.getAttribute("href")).toMatch(/^(https?:|mailto:|#)/);
    }
  }
});

test.describe("of a person who signs in once more", () => {
  // It ends the session that the browser had, so it must not be the one that tests share.
  test.use({ as: null });

  test("hostile text in the address stays harmless", async ({ page }) => {
    await signIn(page, "demo");
    const hostile = encodeURIComponent(HOSTILE[2]);
    const error = Buffer.from(JSON.stringify({ code: "invalid", field: "x", message: HOSTILE[2] }));
    for (const path of [
      `/chat?agent=${hostile}`,
      `/chat/${hostile}`,
      `/chat?deleted=${hostile}`,
      `/chat?__path=/api/fn/send_message&__err=${error.toString("base64url")}`,
      `/chat?__err=${hostile}`,
      `/${hostile}`,
      `/auth/login?return_to=${hostile}`,
      `/auth/callback?error=${hostile}`,
    ]) {
      await page.goto(path);
      await harmless(page);
    }
  });
});

test("text between two directions and without an end is kept as it is", async ({ chat, page }) => {
  const text = "مرحبا, שלום, \u202Etxet\u202C, Zalgo: Z̷̨̛a̸, 👩‍👩‍👧, \u0000end";
  await chat.begin(text);
  await chat.reload();
  expect((await chat.question.locator(".blocks").innerText()).trim()).toBe(text.replace("\u0000", ""));
  await harmless(page);
});
