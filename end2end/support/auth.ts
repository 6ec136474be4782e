// Signing in and out, as a person does it.

import { expect, type Locator, type Page } from "@playwright/test";

import { BASE_URL, KEYCLOAK_URL, account, type Credentials, type Person } from "./environment.ts";

/** The name of the session's cookie where the app has no TLS (app/src/session.rs). */
export const SESSION_COOKIE = "onelastai_session";

/** Keycloak's page that asks for the password. */
export class SignInPage {
  readonly username: Locator;
  readonly password: Locator;
  readonly submit: Locator;
  readonly refusal: Locator;

  constructor(readonly page: Page) {
    this.username = page.locator("#username");
    this.password = page.locator("#password");
    this.submit = page.locator("#kc-login");
    this.refusal = page.getByText("Invalid username or password.");
  }

  /** Waits until Keycloak asks. */
  async asks(): Promise<void> {
    await this.page.waitForURL((url) => url.origin === KEYCLOAK_URL);
    await expect(this.password).toBeVisible();
  }

  async fill(username: string, password: string): Promise<void> {
    await this.username.fill(username);
    await this.password.fill(password);
    await this.submit.click();
  }
}

/** Opens `path` as a stranger, signs in, and ends where the app leads. */
export async function signIn(page: Page, person: Person | Credentials, path = "/chat"): Promise<void> {
  const { username, password } = typeof person === "string" ? account(person) : person;
  const keycloak = new SignInPage(page);
  await page.goto(path);
  await keycloak.asks();
  await keycloak.fill(username, password);
  await page.waitForURL((url) => url.origin === BASE_URL);
}

/** Signs out by the account's menu. */
export async function signOut(page: Page): Promise<void> {
  await page.locator(".account > summary").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(`${BASE_URL}/`);
}

/** The session's cookie of this browser. */
export async function sessionCookie(page: Page) {
  const cookies = await page.context().cookies(BASE_URL);
  return cookies.find((cookie) => cookie.name === SESSION_COOKIE);
}
