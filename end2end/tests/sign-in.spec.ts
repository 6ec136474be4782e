// Coming in: only with the right password, only to a page of ours, and with a cookie that
// no script and no other host gets.

import { SESSION_COOKIE, SignInPage, sessionCookie, signIn } from "../support/auth.ts";
import { Chat } from "../support/chat.ts";
import { BASE_URL, account } from "../support/environment.ts";
import { STRANGER, expect, test } from "../support/fixtures.ts";

test.use({ as: null });

test("the front door leads to Keycloak and from there to the chat", async ({ page }) => {
  const { username, password } = account("demo");
  const keycloak = new SignInPage(page);

  await page.goto("/");
  await page.getByRole("link", { name: "Sign in" }).click();
  await keycloak.asks();
  await keycloak.fill(username, password);

  await page.waitForURL(`${BASE_URL}/chat`);
  await expect(new Chat(page).box).toBeVisible();
});

test("a wrong password is refused, the right one leads to the page asked for", async ({ page }) => {
  const { username, password } = account("demo");
  const keycloak = new SignInPage(page);

  await page.goto("/chat?agent=tutor");
  await keycloak.asks();
  await keycloak.fill(username, `not ${password}`);
  await expect(keycloak.refusal).toBeVisible();
  expect(await sessionCookie(page)).toBeUndefined();

  await keycloak.fill(username, password);
  await page.waitForURL(`${BASE_URL}/chat?agent=tutor`);
  await expect(page.getByRole("textbox", { name: "Message to Tutor" })).toBeVisible();
});

test("a stranger has to sign in to see a chat", async ({ page }) => {
  const keycloak = new SignInPage(page);
  for (const path of ["/chat", "/chat/019a0000-0000-7000-8000-000000000001"]) {
    await page.goto(path);
    await keycloak.asks();
  }
});

test("the session's cookie is for this host and out of reach of scripts", async ({ page }) => {
  const answered = page.waitForResponse((response) => response.url().includes("/auth/callback?"));
  await signIn(page, "demo");

  const cookie = await sessionCookie(page);
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Lax", path: "/", domain: "localhost" });
  // Without `Domain` it is for this very host, not for those below it.
  const set = await (await answered).headerValues("set-cookie");
  const own = set.find((line) => line.startsWith(`${SESSION_COOKIE}=`));
  expect(own).toMatch(/; HttpOnly/i);
  expect(own).not.toMatch(/domain=/i);
  expect(await page.evaluate(() => document.cookie)).not.toContain(SESSION_COOKIE);
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  expect(kept).not.toContain(cookie?.value);
});

test("a sign-in that nobody began gets an error page", async ({ page }) => {
  const answer = await page.goto("/auth/callback?code=made-up&state=made-up-0123456789abcdef");

  expect(answer?.status()).toBe(400);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("This sign-in is no longer good");
  expect(await sessionCookie(page)).toBeUndefined();
});

test("a sign-in that was begun in another browser gets an error page", async ({ page, playwright }) => {
  const { username, password } = account("maker");
  // An attacker signs in, but keeps the address that would finish it for somebody else.
  const attacker = await playwright.request.newContext({
    baseURL: BASE_URL,
    storageState: STRANGER,
    extraHTTPHeaders: { accept: "text/html" },
  });
  const form = await (await attacker.get("/chat")).text();
  const action = /action="([^"]+)"/.exec(form)?.[1]?.replaceAll("&amp;", "&") ?? "";
  const done = await attacker.post(action, { form: { username, password }, maxRedirects: 0 });
  const trap = done.headers()["location"] ?? "";
  expect(trap).toContain(`${BASE_URL}/auth/callback?`);

  const answer = await page.goto(trap);
  expect(answer?.status()).toBe(400);
  expect(await sessionCookie(page)).toBeUndefined();
  // It is good for the browser that began it.
  expect((await attacker.get(trap)).url()).toBe(`${BASE_URL}/chat`);
  // And only once.
  expect((await attacker.get(trap)).status()).toBe(400);
  await attacker.dispose();
});

test("whatever return_to says, a sign-in ends on our own host", async ({ page }) => {
  await signIn(page, "demo");
  // Keycloak remembers the person now, so each sign-in goes through by itself.
  for (const hostile of [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "/%09/evil.example/",
    "/\t/evil.example/",
    "/./\\evil.example/",
    "/.//evil.example/",
    "http:evil.example",
    "javascript:alert(1)",
    "@evil.example/",
    ".evil.example/",
    "/auth/login?return_to=//evil.example/",
  ]) {
    await page.goto(`/auth/login?return_to=${encodeURIComponent(hostile)}`);
    expect(new URL(page.url()).origin, hostile).toBe(BASE_URL);
    expect(await sessionCookie(page), hostile).toBeDefined();
  }
});
