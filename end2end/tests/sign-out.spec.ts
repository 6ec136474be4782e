// Signing out ends the session everywhere: in this browser, at the server, at Keycloak.

import { SESSION_COOKIE, SignInPage, sessionCookie, signIn, signOut } from "../support/auth.ts";
import { BASE_URL, account } from "../support/environment.ts";
import { STRANGER, expect, test } from "../support/fixtures.ts";

test.use({ as: null });

test("a session that was signed out is of no use to whoever kept its cookie", async ({ chat, page, playwright }) => {
  await signIn(page, "demo");
  await chat.begin("A conversation before signing out");
  const path = chat.path();
  const events = `/api/generations/${await chat.generation()}/events`;
  const cookie = await sessionCookie(page);
  const thief = await playwright.request.newContext({
    baseURL: BASE_URL,
    storageState: STRANGER,
    extraHTTPHeaders: { accept: "text/html", cookie: `${SESSION_COOKIE}=${cookie?.value}`, origin: BASE_URL },
    maxRedirects: 0,
  });
  // While the session lasts, the cookie is as good as the person; otherwise this proves nothing.
  expect((await thief.get(path)).status()).toBe(200);

  await signOut(page);
  await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
  expect(await sessionCookie(page)).toBeUndefined();

  const chatPage = await thief.get(path);
  expect([302, 303]).toContain(chatPage.status());
  expect(chatPage.headers()["location"]).toContain("/auth/login?return_to=");
  expect((await thief.get(events)).status()).toBe(401);
  const sent = await thief.post("/api/fn/send_message", {
    form: { agent: "companion", text: "Am I still in?", key: "a-thief-s-own-key" },
    headers: { accept: "application/json" },
  });
  expect(sent.ok()).toBe(false);
  expect(await sent.text()).toContain("signed_out");
  await thief.dispose();
});

test("Keycloak's session has ended too: it asks for the password again", async ({ page }) => {
  await signIn(page, "demo");
  await signOut(page);
  await page.goto("/chat");
  await new SignInPage(page).asks();
});

test("a page that was left open says so when its session has ended", async ({ chat, context, page }) => {
  await signIn(page, "demo");
  await chat.open();
  const other = await context.newPage();
  await other.goto("/chat");
  await signOut(other);

  await chat.box.fill("Written after the session's end");
  await chat.box.press("Enter");
  const { username, password } = account("demo");
  const keycloak = new SignInPage(page);
  await keycloak.asks();
  await keycloak.fill(username, password);
  await page.waitForURL((url) => url.origin === BASE_URL);
  // What was typed waited in this tab.
  await chat.awake();
  await expect(chat.box).toHaveValue("Written after the session's end");
});
