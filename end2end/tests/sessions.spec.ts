// Where one is signed in, and the ways in which that ends: by oneself from another browser,
// by Keycloak.

import type { Page } from "@playwright/test";

import { SignInPage, sessionCookie, signIn } from "../support/auth.ts";
import { BASE_URL } from "../support/environment.ts";
import { expect, test } from "../support/fixtures.ts";
import { disableInKeycloak, signOutByKeycloak } from "../support/keycloak.ts";
import { isSomebody, placeOf, sessionAt } from "../support/places.ts";
import { Sessions } from "../support/sessions.ts";

test.use({ as: null });

/** Of another browser, so that the page can tell them apart. */
const FIREFOX = { userAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0" };

const AGENT = placeOf("scribe");

/** The sessions that this browser has, with the hosts that they are of. */
async function keep(page: Page): Promise<() => Promise<boolean[]>> {
  const [main, agent] = [await sessionAt(page, BASE_URL), await sessionAt(page, AGENT)];
  return () => Promise.all([isSomebody(BASE_URL, main), isSomebody(AGENT, agent)]);
}

test("the account's page tells where one is signed in, and since when", async ({ page, newcomer }) => {
  const begun = Date.now();
  const sessions = new Sessions(page);
  await signIn(page, newcomer, "/account");
  await expect(sessions.rows).toHaveCount(1);
  await page.goto(AGENT);
  await page.goto("/account");
  await expect(sessions.rows).toHaveCount(2);

  const { hostname } = new URL(BASE_URL);
  await expect(sessions.row("this one").locator("small")).toHaveText(hostname);
  await expect(sessions.row("this browser").locator("small")).toHaveText(`scribe.${hostname}`);
  for (const row of await sessions.rows.all()) {
    await expect(row).toContainText(/Chrome.* on Linux/);
    await expect(row.locator("td").nth(1)).toHaveText(/^(127\.0\.0\.1|::1)$/);
    await expect(row.locator("time")).toHaveCount(2);
    for (const time of await row.locator("time").all()) {
      const at = Date.parse((await time.getAttribute("datetime")) ?? "");
      expect(at).toBeGreaterThan(begun - 5_000);
      expect(at).toBeLessThan(Date.now() + 5_000);
    }
  }
  // There is nothing else to sign out of.
  await expect(sessions.endOthers).toHaveCount(0);
});

test("another browser's session is ended from here, with its sessions at agents' hosts", async ({ page, elsewhere, newcomer }) => {
  const sessions = new Sessions(page);
  const other = await elsewhere(null, FIREFOX);
  await signIn(other, newcomer);
  await other.goto(AGENT);
  const others = await keep(other);
  await signIn(page, newcomer, "/account");
  await expect(sessions.rows).toHaveCount(3);
  expect(await others()).toEqual([true, true]);

  await sessions.end("Firefox on Windows");
  await expect(sessions.done).toHaveText("That session has ended.");
  await expect(sessions.rows).toHaveCount(1);
  expect(await others()).toEqual([false, false]);
  await other.goto(`${BASE_URL}/chat`);
  // Not let in again by Keycloak's own session.
  await new SignInPage(other).asks();
  await page.reload();
  await expect(sessions.row("this one")).toBeVisible();
});

test("signing out everywhere else leaves only this browser", async ({ page, elsewhere, newcomer }) => {
  const sessions = new Sessions(page);
  const others = [await elsewhere(null, FIREFOX), await elsewhere(null)];
  for (const other of others) {
    await signIn(other, newcomer);
    await other.goto(AGENT);
  }
  const theirs = await Promise.all(others.map(keep));
  await signIn(page, newcomer, "/account");
  await page.goto(AGENT);
  const mine = await keep(page);
  await page.goto("/account");
  await expect(sessions.rows).toHaveCount(6);

  await sessions.endOthers.click();
  await expect(sessions.done).toHaveText("All other browsers are signed out.");
  await expect(sessions.rows).toHaveCount(2);
  await expect(sessions.endOthers).toHaveCount(0);
  for (const are of theirs) expect(await are()).toEqual([false, false]);
  expect(await mine()).toEqual([true, true]);
  for (const other of others) {
    await other.goto(`${BASE_URL}/chat`);
    await new SignInPage(other).asks();
  }
});

test("nobody ends a session that is somebody else's", async ({ page, elsewhere, newcomer, another }) => {
  await signIn(page, newcomer, "/account");
  const session = await page.locator("input[name=session]").inputValue();
  const other = await elsewhere(null);
  await signIn(other, another);
  const { request } = other;
  const answer = await request.post("/api/fn/end_session", {
    form: { session },
    headers: { accept: "application/json", origin: BASE_URL },
  });
  expect(answer.status()).toBe(404);
  await page.reload();
  await expect(new Sessions(page).row("this one")).toBeVisible();
});

test("signing out at Keycloak ends the sessions here", async ({ page, newcomer }) => {
  await signIn(page, newcomer);
  await page.goto(AGENT);
  const mine = await keep(page);
  expect(await mine()).toEqual([true, true]);
  await signOutByKeycloak(newcomer);
  // Long before anybody would ask Keycloak again by themselves.
  await expect.poll(mine, { timeout: 10_000 }).toEqual([false, false]);
  await page.goto(`${BASE_URL}/chat`);
  await new SignInPage(page).asks();
});

test("who is disabled at Keycloak is out within a minute and a bit, without a word from Keycloak", async ({ page, newcomer }) => {
  await signIn(page, newcomer);
  await page.goto(AGENT);
  const mine = await keep(page);
  expect(await mine()).toEqual([true, true]);
  await disableInKeycloak(newcomer);
  await expect.poll(mine, { timeout: 75_000, intervals: [1_000] }).toEqual([false, false]);
  expect(await sessionCookie(page)).toBeDefined();
  const keycloak = new SignInPage(page);
  await page.goto(`${BASE_URL}/chat`);
  await keycloak.asks();
  await keycloak.fill(newcomer.username, newcomer.password);
  await expect(page.getByText("Account is disabled, contact your administrator.")).toBeVisible();
});
