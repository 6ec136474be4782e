// API keys: made and shown once, replaced, revoked; nobody else's business.

import { FROM_OUR_PAGE } from "../support/agents.ts";
import { signIn } from "../support/auth.ts";
import { expect, test } from "../support/fixtures.ts";
import { Keys } from "../support/keys.ts";

const KEY = /^ola_[A-Za-z0-9_-]{43}$/;

/** The names of keys are their own, as tests share people. */
const fresh = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;

test.describe("of somebody who is new", () => {
  test.use({ as: null });

  test("the first key is made, shown once, and never again", async ({ page, newcomer }) => {
    const keys = new Keys(page);
    await signIn(page, newcomer, "/account/keys");
    await expect(page.getByText("You have no keys.")).toBeVisible();
    await page.getByRole("link", { name: "New key" }).click();

    await test.step("what is wrong is told at its field and nothing that was typed is lost", async () => {
      for (const box of await page.locator("input[name=scopes]").all()) await box.uncheck();
      await page.getByText("Networks and limits").click();
      await page.getByLabel("Only from these networks").fill("127.0.0.0/8\nlocalhost");
      await page.getByLabel("Requests a minute").fill("many");
      const answered = page.waitForResponse((response) => response.request().method() === "POST");
      await keys.make.click();
      expect((await answered).status()).toBe(422);
      await expect(keys.problem).toContainText("No key was made yet");
      await expect(page.getByLabel("Requests a minute")).toHaveAccessibleDescription(/Use a whole number/);
      await expect(page.getByLabel("Requests a minute")).toHaveValue("many");
      await expect(page.getByLabel("Only from these networks")).toHaveAccessibleDescription(/“localhost” is no network/);
      await expect(page.getByLabel("Only from these networks")).toHaveValue("127.0.0.0/8\nlocalhost");

      await page.getByLabel("Only from these networks").fill("127.0.0.0/8");
      await page.getByLabel("Requests a minute").fill("30");
      await keys.make.click();
      await expect(page.getByLabel("Name", { exact: true })).toHaveAccessibleDescription(/Give it a name/);
      await expect(page.getByText("Choose what it is for.")).toBeVisible();
    });

    await test.step("all is well", async () => {
      await page.getByLabel("Name", { exact: true }).fill("Laptop <b>&</b>");
      await page.getByLabel("Have answers written").check();
      await page.getByLabel("30 days").check();
      const answered = page.waitForResponse((response) => response.request().method() === "POST");
      await keys.make.click();
      const answer = await answered;
      expect(answer.status()).toBe(201);
      expect(answer.headers()["cache-control"]).toBe("no-store");
    });
    const key = await keys.key.inputValue();
    expect(key).toMatch(KEY);
    await expect(page.locator("#example")).toContainText("/v1/chat/completions");
    await expect(page.locator("#example")).not.toContainText(key);
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: "Copy", exact: true }).click();
    await expect(page.getByText("Copied")).toBeVisible();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(key);

    await page.getByRole("link", { name: /back to all keys/ }).click();
    const row = keys.row("Laptop <b>&</b>");
    await expect(row).toContainText(`${key.slice(0, 12)}…`);
    await expect(row).toContainText("works");
    await expect(row).toContainText("only 1 network");
    await keys.open("Laptop <b>&</b>");
    await expect(page.getByRole("definition").filter({ hasText: "127.0.0.0/8" })).toBeVisible();
    for (const path of ["/account/keys", page.url()]) {
      expect(await (await page.request.get(path)).text()).not.toContain(key.slice(12));
    }
  });
});

test("a form that is sent twice makes one key", async ({ page }) => {
  const keys = new Keys(page);
  const name = fresh("Twice");
  const form = { request: crypto.randomUUID(), name, scopes: "chat.write", life: "90" };
  const first = await page.request.post("/account/keys/new", { ...FROM_OUR_PAGE, form });
  expect(first.status()).toBe(201);
  const second = await page.request.post("/account/keys/new", { ...FROM_OUR_PAGE, form });
  expect(second.status()).toBe(409);
  expect(await second.text()).toContain("This form was sent before");
  expect(await second.text()).not.toMatch(/ola_[A-Za-z0-9_-]{43}/);
  await page.goto("/account/keys");
  await expect(keys.row(name)).toHaveCount(1);
});

test("nobody makes a key for what they may not do", async ({ page }) => {
  const keys = new Keys(page);
  await page.goto("/account/keys/new");
  await expect(page.getByLabel("Ask agents")).toBeVisible();
  await expect(page.locator("input[value='admin.read']")).toHaveCount(0);
  for (const fields of [
    { scopes: "admin.read" },
    { scopes: "admin.*" },
    { scopes: "chat.write", which_agents: "some", agents: crypto.randomUUID() },
  ]) {
    const name = fresh("Wide");
    const form = { request: crypto.randomUUID(), name, life: "90", user_id: "admin", role: "admin", ...fields };
    const refused = await page.request.post("/account/keys/new", { ...FROM_OUR_PAGE, form });
    expect(refused.status()).toBe(422);
    await page.goto("/account/keys");
    await expect(keys.row(name)).toHaveCount(0);
  }
});

test("a key is replaced and goes on for a while, then it is revoked", async ({ page }) => {
  const keys = new Keys(page);
  const name = fresh("Server");
  const old = await keys.new(name);
  const id = await keys.open(name);
  await page.getByLabel("The old key").selectOption("goes on for 7 days");
  await page.getByRole("button", { name: "Replace" }).click();
  await expect(page.getByText("The old key goes on for 7 days.")).toBeVisible();
  const key = await keys.key.inputValue();
  expect(key).toMatch(KEY);
  expect(key).not.toBe(old);

  await page.goto("/account/keys");
  await expect(keys.row(name)).toHaveCount(2);
  await expect(keys.row(name).filter({ hasText: old.slice(0, 12) })).toContainText("being replaced");
  await expect(keys.row(name).filter({ hasText: key.slice(0, 12) })).toContainText("works");
  const form = { overlap: "0" };
  const again = await page.request.post(`/account/keys/${id}`, { ...FROM_OUR_PAGE, form });
  expect(again.status()).toBe(409);

  await keys.row(name).filter({ hasText: key.slice(0, 12) }).getByRole("link").click();
  await page.getByRole("button", { name: "Revoke" }).click();
  await expect(keys.done).toContainText("The key is revoked");
  await expect(keys.row(name).filter({ hasText: key.slice(0, 12) })).toContainText("revoked");
  await expect(keys.row(name).filter({ hasText: old.slice(0, 12) })).toContainText("being replaced");
});

test("another user finds nothing at a key's address and can change nothing there", async ({ page, elsewhere }) => {
  const keys = new Keys(page);
  const name = fresh("Private");
  await keys.new(name);
  const id = await keys.open(name);
  const other = await elsewhere("maker");
  for (const address of [id, crypto.randomUUID(), "x", "%00"]) {
    const seen = await other.request.get(`/account/keys/${address}`, { headers: { accept: "text/html" } });
    expect(seen.status(), address).toBe(404);
    expect(await seen.text()).not.toContain(name);
    const form = { overlap: "0" };
    const replaced = await other.request.post(`/account/keys/${address}`, { ...FROM_OUR_PAGE, form });
    expect(replaced.status(), address).toBe(404);
  }
  const revoked = await other.request.post("/api/fn/revoke_key", {
    form: { api_key: id },
    headers: { ...FROM_OUR_PAGE.headers, accept: "application/json" },
  });
  expect(await revoked.text()).toContain("not_found");
  // Nor does another site act for the key's owner.
  const foreign = { headers: { accept: "text/html", origin: "https://evil.example" }, maxRedirects: 0 };
  for (const path of [`/account/keys/${id}`, "/account/keys/new", "/api/fn/revoke_key"]) {
    const refused = await page.request.post(path, { ...foreign, form: { api_key: id, overlap: "0", name: "Evil" } });
    expect(refused.status(), path).toBe(403);
  }
  await page.goto("/account/keys");
  await expect(keys.row(name)).toContainText("works");
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("a key is made, replaced and revoked", async ({ page }) => {
    const keys = new Keys(page);
    const name = fresh("Plain");
    expect(await keys.new(name)).toMatch(KEY);
    await expect(page.getByRole("button", { name: "Copy", exact: true })).toBeHidden();
    await keys.open(name);
    await page.getByLabel("The old key").selectOption("ends now");
    await page.getByRole("button", { name: "Replace" }).click();
    await expect(page.getByText("The old key no longer works.")).toBeVisible();
    const key = await keys.key.inputValue();
    await page.goto("/account/keys");
    await keys.row(name).filter({ hasText: key.slice(0, 12) }).getByRole("link").click();
    await page.getByRole("button", { name: "Revoke" }).click();
    await expect(keys.done).toContainText("The key is revoked");
  });
});

test.describe("on a phone", () => {
  test.use({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });

  test("nothing is wider than the screen", async ({ page }) => {
    const keys = new Keys(page);
    const name = fresh("Phone");
    const fits = async () => {
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      expect.soft(width, page.url()).toBe(390);
    };
    await keys.new(name);
    await fits();
    await keys.open(name);
    await fits();
    for (const path of ["/account/keys", "/account/keys/new"]) {
      await page.goto(path);
      await fits();
    }
  });
});
