// Administration: who has an account, who did what, and that nobody else finds any of it.

import { readFile } from "node:fs/promises";

import type { Page } from "@playwright/test";

import { AgentDesk, freshSlug, makeAgent } from "../support/agents.ts";
import { SignInPage, sessionCookie, signIn } from "../support/auth.ts";
import { BASE_URL, type Person } from "../support/environment.ts";
import { expect, test } from "../support/fixtures.ts";
import { takeRoles } from "../support/keycloak.ts";
import { isSomebody, sessionAt } from "../support/places.ts";
import { Sessions } from "../support/sessions.ts";

test.use({ as: "admin" });

/** Opens somebody's account by way of the search. */
async function find(page: Page, words: string, name: string): Promise<void> {
  await page.goto("/admin");
  await page.getByLabel("Name, username or address").fill(words);
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByRole("main").getByRole("link", { name }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(name);
}

/** The audit log with these filters, filled in by hand. */
async function show(page: Page, filters: Record<string, string>): Promise<void> {
  await page.goto("/admin/audit");
  for (const [label, value] of Object.entries(filters)) await page.getByLabel(label, { exact: true }).fill(value);
  await page.getByRole("button", { name: "Show" }).click();
}

const ACTION = "What, as agent. or agent.create";
const WORDS = "With these words";

test("a closed account is signed out at once and stays out until it is opened again", async ({ page, elsewhere, newcomer }) => {
  const theirs = await elsewhere(null);
  await signIn(theirs, newcomer);
  const session = await sessionAt(theirs, BASE_URL);
  expect(await isSomebody(BASE_URL, session)).toBe(true);

  await find(page, newcomer.username, newcomer.name);
  const user = page.url().split("/").at(-1) ?? "";
  await expect(page.locator("dl").getByText(`${newcomer.username}@onelastai.localhost`)).toBeVisible();
  await expect(new Sessions(page).rows).toHaveCount(1);
  await page.getByRole("button", { name: "Close the account" }).click();
  await expect(page.getByText("Signed in nowhere.")).toBeVisible();
  await expect(page.locator("dl").getByText("closed")).toBeVisible();
  expect(await isSomebody(BASE_URL, session)).toBe(false);

  const keycloak = new SignInPage(theirs);
  const comeIn = async () => {
    await theirs.goto("/chat");
    // Keycloak may still know this browser: it keeps its own account of people.
    if (await keycloak.password.isVisible()) await keycloak.fill(newcomer.username, newcomer.password);
  };
  await comeIn();
  await expect(theirs.getByRole("heading", { level: 1 })).toHaveText("This account is closed");
  expect(await isSomebody(BASE_URL, (await sessionCookie(theirs))?.value ?? "none")).toBe(false);

  await page.getByRole("button", { name: "Open the account" }).click();
  await expect(page.locator("dl").getByText("open")).toBeVisible();
  await comeIn();
  await theirs.waitForURL(`${BASE_URL}/chat`);

  await page.goto(`/admin/users/${user}`);
  await page.getByRole("link", { name: "What was done to this account" }).click();
  const rows = page.locator("tbody tr");
  // Newest first; the first sign-in told the roles.
  await expect(rows).toHaveCount(4);
  await expect(rows.nth(1)).toContainText("session.sign_in_refused");
  await page.getByLabel(ACTION, { exact: true }).fill("user.");
  await page.getByRole("button", { name: "Show" }).click();
  await expect(rows).toHaveCount(3);
  await expect(rows.nth(2)).toContainText(/keycloak\s*user\.roles.*roles.*nothing → .*"user"/s);
  await expect(rows.nth(0)).toContainText(/admin\s*user\.enable.*disabled at.*20\d\d-.+ → nothing/s);
  await expect(rows.nth(1)).toContainText(/admin\s*user\.disable.*disabled at.*nothing → 20\d\d-/s);
});

test("who may not chat is told whom to ask, and their page tells what changed", async ({ page, elsewhere, newcomer }) => {
  const theirs = await elsewhere(null);
  await signIn(theirs, newcomer);
  await takeRoles(newcomer);
  // A new sign-in tells at once what a refresh tells within a minute.
  await theirs.context().clearCookies();
  await theirs.goto("/chat");
  await new SignInPage(theirs).fill(newcomer.username, newcomer.password);
  await expect(theirs.getByRole("heading", { level: 1 })).toHaveText("This isn't for your account");
  await expect(theirs.getByText(/Ask whoever looks after OneLastAI .* the role “user”/)).toBeVisible();
  const sent = await theirs.request.post("/api/fn/send_message", {
    form: { agent: "companion", text: "Hello?", key: crypto.randomUUID() },
    headers: { accept: "application/json", origin: BASE_URL },
  });
  expect(sent.status()).toBe(403);
  await theirs.getByRole("link", { name: "Go to your account" }).click();
  await expect(theirs.getByRole("heading", { level: 1 })).toHaveText("Your sessions");
  await expect(theirs.getByRole("link", { name: "Chats" })).toHaveCount(0);

  await find(page, newcomer.username, newcomer.name);
  const account = page.url();
  const rows = page.locator("tbody tr");
  await page.getByRole("link", { name: "What was done to this account" }).click();
  await expect(rows).toHaveCount(2);
  await expect(rows.nth(0)).toContainText(/user\.roles.*"user".* → \[\]/s);
  // By id: nobody else's lines, whatever is part of their name.
  await page.goto(account);
  await page.getByRole("link", { name: "What this person did" }).click();
  await expect(page.getByLabel("Their id", { exact: true })).toHaveValue(account.split("/").at(-1) ?? "");
  await expect(rows.first()).toContainText("session.sign_in");
  for (const row of await rows.all()) await expect(row.locator("td").nth(2)).toHaveText(newcomer.username);
});

test("somebody's session is ended for them", async ({ page, elsewhere, newcomer }) => {
  const theirs = await elsewhere(null);
  await signIn(theirs, newcomer);
  const session = await sessionAt(theirs, BASE_URL);
  await find(page, newcomer.username, newcomer.name);
  await new Sessions(page).end("Chrome");
  await expect(page.getByText("Signed in nowhere.")).toBeVisible();
  expect(await isSomebody(BASE_URL, session)).toBe(false);
});

test("nobody closes their own account", async ({ page }) => {
  await find(page, "admin", "Ada Admin");
  await expect(page.getByRole("button", { name: "Close the account" })).toHaveCount(0);
  const user = page.url().split("/").at(-1) ?? "";
  const answer = await page.request.post("/api/fn/disable_user", {
    form: { user },
    headers: { accept: "application/json", origin: BASE_URL },
  });
  expect(answer.status()).toBe(422);
  expect((await page.request.get("/admin")).status()).toBe(200);
});

test("the audit log has what was just done, and its copies too, which it notes", async ({ page }) => {
  const slug = await makeAgent(page.request, { slug: freshSlug("noted"), name: "Noted", description: "Before, of course" });
  const desk = new AgentDesk(page);
  await page.goto(`/agents/${slug}`);
  const agent = await desk.id();
  await desk.fill({ Name: "=1+1", Description: 'After, "of course"' });
  await desk.save.click();
  await expect(desk.done).toContainText("Saved as a new version.");

  await show(page, { "Its id": agent });
  const rows = page.locator("tbody tr");
  await expect(rows).toHaveCount(2);
  await expect(rows.nth(0)).toContainText("agent.update");
  await expect(rows.nth(0).locator("dl > div", { hasText: /^name/ })).toHaveText("nameNoted → =1+1");
  await expect(rows.nth(0).locator("dl > div", { hasText: /^description/ })).toContainText('Before, of course → After, "of course"');
  await expect(rows.nth(1)).toContainText("agent.create");

  await test.step("by what was done", async () => {
    await show(page, { "Its id": agent, [ACTION]: "agent.create" });
    await expect(rows).toHaveCount(1);
    await show(page, { "Its id": agent, [ACTION]: "agent." });
    await expect(rows).toHaveCount(2);
    await show(page, { "Its id": agent, [ACTION]: "user." });
    await expect(page.getByText("Nothing in the log fits.")).toBeVisible();
  });

  await test.step("by day", async () => {
    const day = (offset: number) => new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10);
    await show(page, { "Its id": agent, "From (UTC)": day(-1), To: day(1) });
    await expect(rows).toHaveCount(2);
    await show(page, { "Its id": agent, "From (UTC)": day(1) });
    await expect(page.getByText("Nothing in the log fits.")).toBeVisible();
    await show(page, { "Its id": agent, To: day(-1) });
    await expect(page.getByText("Nothing in the log fits.")).toBeVisible();
  });

  await show(page, { "Its id": agent });
  const download = async (name: string) => {
    const started = page.waitForEvent("download");
    await page.getByRole("link", { name, exact: true }).click();
    const file = await started;
    return [file.suggestedFilename(), await readFile(await file.path(), "utf8")] as const;
  };
  await test.step("as CSV", async () => {
    const [name, text] = await download("CSV");
    expect(name).toBe("audit.csv");
    const lines = text.trimEnd().split("\r\n");
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^sequence,id,occurred_at,actor_id,actor,action,/);
    expect(lines[1]).toContain(`,agent.update,agents,${agent},`);
    // As RFC 4180 has it: a field with quotes is quoted, its quotes are doubled.
    expect(lines[1]).toContain('"{""name"": [""Noted"", ""=1+1""], ');
  });
  await test.step("as JSON lines", async () => {
    const [name, text] = await download("JSON lines");
    expect(name).toBe("audit.jsonl");
    const lines = text.trimEnd().split("\n").map((line) => JSON.parse(line));
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatchObject({ actor: "admin", action: "agent.update", target_id: agent });
    expect(lines[0].changes).toMatchObject({
      name: ["Noted", "=1+1"],
      description: ["Before, of course", 'After, "of course"'],
    });
    expect(lines[0].previous_hash).toMatch(/^[0-9a-f]{64}$/);
  });
  await test.step("noted", async () => {
    await show(page, { [ACTION]: "audit.export", [WORDS]: agent });
    await expect(rows).toHaveCount(2);
    await expect(rows.nth(0)).toContainText("jsonl");
    await expect(rows.nth(1)).toContainText("csv");
    for (const row of await rows.all()) await expect(row).toContainText("admin");
  });
});

test("a long text that changed is shown by its lines", async ({ page }) => {
  const rest = "Plants have leaves. ".repeat(20);
  const slug = await makeAgent(page.request, {
    slug: freshSlug("lines"),
    name: "Lines",
    system_prompt: `Be kind.\n${rest}\nBe brief.`,
  });
  const desk = new AgentDesk(page);
  await page.goto(`/agents/${slug}`);
  const agent = await desk.id();
  await desk.fill({ Instructions: `Be kind.\n${rest}\nBe <b>thorough</b>.` });
  await desk.save.click();
  await expect(desk.done).toContainText("Saved as a new version.");
  await show(page, { "Its id": agent, [ACTION]: "agent.update" });
  await page.getByRole("link", { name: "What changed in the text" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^Entry \d+ of the audit log$/);
  await expect(page.locator(".diff .removed")).toHaveText(/− Be brief\./);
  await expect(page.locator(".diff .added")).toHaveText(/\+ Be <b>thorough<\/b>\./);
  await expect(page.locator(".diff .same")).toHaveCount(2);
  await page.getByRole("link", { name: "agents", exact: true }).click();
  await expect(page.locator("tbody tr")).toHaveCount(2);
  expect((await page.request.get("/admin/audit/entry/0")).status()).toBe(404);
});

/** The addresses of administration, with the id of an account there is. */
function addresses(user: string): string[] {
  const audit = ["", "/export.csv", "/export.jsonl"].map((file) => `/admin/audit${file}`);
  return ["/admin", `/admin/users/${user}`, ...audit];
}

test("who may read the audit log doesn't find the users, and others find nothing", async ({ page, elsewhere }) => {
  // Known here once they have signed in.
  await elsewhere("demo");
  await find(page, "demo", "Dana Demo");
  const user = page.url().split("/").at(-1) ?? "";
  const statuses = async (person: Person) => {
    const { request } = await elsewhere(person);
    return Promise.all(addresses(user).map(async (path) => (await request.get(path)).status()));
  };
  expect(await statuses("admin")).toEqual([200, 200, 200, 200, 200]);
  expect(await statuses("auditor")).toEqual([404, 404, 200, 200, 200]);
  expect(await statuses("demo")).toEqual([404, 404, 404, 404, 404]);
  expect(await statuses("maker")).toEqual([404, 404, 404, 404, 404]);

  const session = await page.locator("input[name=session]").first().inputValue();
  for (const person of ["auditor", "demo", "maker"] as const) {
    const { request } = await elsewhere(person);
    const post = async (name: string, form: Record<string, string>) => {
      const headers = { accept: "application/json", origin: BASE_URL };
      const answer = await request.post(`/api/fn/${name}`, { form, headers });
      expect(answer.status(), `${person}: ${name}`).toBe(404);
    };
    await post("disable_user", { user });
    await post("enable_user", { user });
    await post("set_tier_of_user", { user, tier: "enterprise" });
    await post("end_session_of_user", { user, session });
  }
  await page.reload();
  await expect(page.locator("dl").getByText("open")).toBeVisible();
  await expect(page.locator("dl").getByText("enterprise")).toHaveCount(0);
  await expect(page.locator(`input[name=session][value="${session}"]`)).toHaveCount(1);
});

test("a stranger is asked to sign in, whatever the page", async ({ elsewhere }) => {
  const stranger = await elsewhere(null);
  const keycloak = new SignInPage(stranger);
  for (const path of ["/admin", "/admin/audit", "/agents", "/agents/new", "/account"]) {
    await stranger.goto(path);
    await keycloak.asks();
  }
  for (const path of ["/admin/audit/export.csv", "/agents/companion/export.json"]) {
    expect((await stranger.request.get(path)).status(), path).toBe(401);
  }
});
