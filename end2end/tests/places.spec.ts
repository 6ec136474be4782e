// An agent's own host: the way in without a second sign-in, what there is, and that no host
// can do anything with what is another's.

import type { Page } from "@playwright/test";

import { AgentDesk, freshSlug, makeAgent } from "../support/agents.ts";
import { SignInPage, signIn, signOut } from "../support/auth.ts";
import { CONVERSATION, Chat, SHORT_QUESTION } from "../support/chat.ts";
import { BASE_URL, account } from "../support/environment.ts";
import { expect, test } from "../support/fixtures.ts";
import { NAVIGATION, ask, type Reply } from "../support/http.ts";
import { arrive, isSomebody, letsIn, placeOf, sessionAt, setOut } from "../support/places.ts";

/** Two of the agents that are always there, for everybody who is signed in. */
const [A, B] = ["scribe", "tutor"];

/** The statuses of the pages that a browser was sent through on its way to one. */
function watchWay(page: Page): number[] {
  const statuses: number[] = [];
  page.on("response", (response) => {
    if (response.request().isNavigationRequest()) statuses.push(response.status());
  });
  return statuses;
}

/** What tells one answer from another, but for the clock and what is random in it. */
function traits({ status, headers, body }: Reply, slug: string): string {
  const { date: _, "set-cookie": __, location = "", ...rest } = headers;
  const where = location.replace(/nonce=[^&]+/, "nonce=").replaceAll(slug, "SLUG");
  return JSON.stringify({ status, rest, where, body }, null, 1);
}

test("who is signed in at the main host comes in without a password, on the shortest way", async ({ chat, page }) => {
  const way = watchWay(page);
  await page.goto(placeOf(A));
  expect(way).toEqual([303, 303, 200]);
  await expect(chat.box).toHaveAccessibleName("Message to Scribe");
  await chat.awake();
  await expect(page).toHaveURL(`${placeOf(A)}/`);
  // The second visit needs nobody else.
  way.length = 0;
  await page.reload();
  expect(way).toEqual([200]);
});

test("the main host leads to an agent's own address, which leads nowhere further", async ({ chat, page }) => {
  await chat.open(`/chat?agent=${A}`);
  const own = page.locator("#empty").getByRole("link", { name: new URL(placeOf(A)).host });
  await own.click();
  await expect(page).toHaveURL(`${placeOf(A)}/`);
  await expect(chat.box).toHaveAccessibleName("Message to Scribe");
  await expect(own).toHaveCount(0);
});

test("a conversation goes on at its agent's own address", async ({ chat, page }) => {
  await chat.open(`/chat?agent=${A}`);
  await chat.ask(SHORT_QUESTION);
  await chat.hush();
  await chat.reload();
  const [path, own] = [chat.path(), page.getByRole("link", { name: "Open at its own address" })];
  await own.click();
  await expect(page).toHaveURL(placeOf(A) + path);
  await expect(chat.question).toContainText(SHORT_QUESTION);
  await expect(own).toHaveCount(0);
});

test("a chat at an agent's host is kept, and only this agent's are there", async ({ chat, page }) => {
  const elsewhere = await chat.begin("A conversation with another agent");
  await chat.open(placeOf(A));
  await chat.ask(SHORT_QUESTION);
  await chat.finishes();
  const [path, text] = [chat.path(), await chat.text()];
  expect(text).not.toBe("");
  expect(page.url()).toBe(placeOf(A) + path);

  await chat.reload();
  await expect(chat.question).toContainText(SHORT_QUESTION);
  expect(await chat.text()).toBe(text);
  await expect(chat.line(path)).toBeVisible();
  await expect(chat.line(elsewhere)).toHaveCount(0);
  const away = await page.goto(placeOf(A) + elsewhere);
  expect(away?.status()).toBe(404);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Nothing here");

  // The main host has both.
  await chat.open(path);
  await expect(chat.line(path)).toBeVisible();
  await expect(chat.line(elsewhere)).toBeVisible();
  expect(await chat.text()).toBe(text);
});

test("a session's cookie is good at its own host and nowhere else", async ({ page }) => {
  await page.goto(placeOf(A));
  await page.goto(placeOf(B));
  const hosts = [BASE_URL, placeOf(A), placeOf(B)];
  for (const host of hosts) {
    const session = await sessionAt(page, host);
    const somebodyAt = [];
    for (const other of hosts) if (await isSomebody(other, session)) somebodyAt.push(other);
    expect(somebodyAt).toEqual([host]);
  }
});

test.describe("a code that lets a browser into an agent's host", () => {
  test("is good once", async ({ page }) => {
    const way = await setOut(A, await sessionAt(page, BASE_URL));
    const first = await arrive(A, way);
    expect(first.status).toBe(200);
    expect(letsIn(first)).toBe(true);
    const second = await arrive(A, way);
    expect(second.status).toBe(422);
    expect(second.body).toContain("This way in is no longer good");
    expect(letsIn(second)).toBe(false);
  });

  test("is of no use in another browser", async ({ page }) => {
    const session = await sessionAt(page, BASE_URL);
    const strangers = { ...(await setOut(A, session)), cookie: (await setOut(A, session)).cookie };
    const empty = { ...(await setOut(A, session)), cookie: "" };
    for (const way of [strangers, empty]) {
      const answer = await arrive(A, way);
      expect(answer.status).toBe(422);
      expect(letsIn(answer)).toBe(false);
    }
  });

  test("is of no use at another agent's host, nor at the main host", async ({ page }) => {
    const session = await sessionAt(page, BASE_URL);
    const answer = await arrive(B, await setOut(A, session));
    expect(answer.status).toBe(422);
    expect(letsIn(answer)).toBe(false);
    const { cookie, path } = await setOut(A, session);
    const main = await ask(BASE_URL, path, { headers: { ...NAVIGATION, cookie } });
    expect(letsIn(main)).toBe(false);
  });
});

test.describe("of agents that are made for the test", () => {
  test.use({ as: "maker" });

  test("a private agent is for anybody else as if it weren't there", async ({ page, elsewhere }) => {
    const slug = await makeAgent(page.request, { slug: freshSlug("hidden") });
    const nobodys = freshSlug("nobodys");
    expect((await page.goto(placeOf(slug)))?.status()).toBe(200);
    expect((await page.goto(placeOf(nobodys)))?.status()).toBe(404);

    const demo = await elsewhere("demo");
    expect((await demo.goto(placeOf(slug)))?.status()).toBe(404);
    const stranger = await elsewhere(null);
    expect((await stranger.goto(placeOf(slug)))?.status()).toBe(404);

    const session = await sessionAt(demo, BASE_URL);
    const nonce = "nonce=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for (const who of [session, undefined]) {
      for (const headers of [NAVIGATION, { accept: "*/*" }]) {
        for (const query of ["", `?${nonce}`]) {
          const open = async (name: string) =>
            traits(await ask(BASE_URL, `/open/${name}${query}`, { session: who, headers }), name);
          expect(await open(slug)).toBe(await open(nobodys));
          expect(await open(slug)).toContain('"status": 404');
        }
        for (const path of ["/", "/chat", "/?guest=1", "/agents"]) {
          const visit = async (name: string) =>
            traits(await ask(placeOf(name), path, { session: who, headers }), name);
          expect(await visit(slug), path).toBe(await visit(nobodys));
        }
      }
    }
  });

  test("an agent that becomes private is gone for whoever was at its host", async ({ page, elsewhere }) => {
    const slug = await makeAgent(page.request, { slug: freshSlug("shy"), visibility: "signed_in" });
    const chat = new Chat(await elsewhere("demo"));
    await chat.open(placeOf(slug));
    const desk = new AgentDesk(page);
    await page.goto(`/agents/${slug}`);
    await desk.field("Who may use it").selectOption("Only me");
    await desk.save.click();
    await expect(desk.done).toContainText("Saved as a new version.");
    expect((await chat.page.goto(placeOf(slug)))?.status()).toBe(404);
  });

  test("an agent's host manages nothing", async ({ page }) => {
    const slug = await makeAgent(page.request, { slug: freshSlug("tool"), visibility: "signed_in" });
    await page.goto(placeOf(slug));
    const session = await sessionAt(page, placeOf(slug));
    for (const path of ["/agents", `/agents/${slug}`, "/admin", "/admin/audit", "/account"]) {
      const { status, headers } = await ask(placeOf(slug), path, { session, headers: NAVIGATION });
      expect(status, path).toBe(303);
      expect(headers.location, path).toBe(BASE_URL + path);
    }
    await page.goto(`${placeOf(slug)}/agents/${slug}`);
    expect(page.url()).toBe(`${BASE_URL}/agents/${slug}`);

    const agent = await new AgentDesk(page).id();
    const post = (host: string, session: string) =>
      ask(host, "/api/fn/delete_agent", {
        session,
        headers: { accept: "application/json", origin: placeOf(slug), "sec-fetch-site": "same-site" },
        form: { agent },
      });
    expect((await post(placeOf(slug), session)).status).toBe(404);
    // Neither with the session of the main host, should a browser send that along.
    expect((await post(BASE_URL, await sessionAt(page, BASE_URL))).status).toBe(403);
    expect((await page.request.get(`/agents/${slug}`)).status()).toBe(200);
  });

  test("a stranger sees the front of a public agent and can sign in there", async ({ page, elsewhere }) => {
    const slug = await makeAgent(page.request, {
      slug: freshSlug("open"),
      name: "Open to all",
      visibility: "public",
      system_prompt: "A secret of its maker.",
    });
    const stranger = await elsewhere(null);
    const way = watchWay(stranger);
    await stranger.goto(placeOf(slug));
    expect(way).toEqual([303, 303, 200]);
    await expect(stranger.getByRole("heading", { level: 1 })).toHaveText("Open to all");
    expect(await stranger.content()).not.toContain("A secret of its maker.");
    await stranger.getByRole("link", { name: "Sign in and chat" }).click();
    const { username, password } = account("demo");
    const keycloak = new SignInPage(stranger);
    await keycloak.asks();
    await keycloak.fill(username, password);
    await stranger.waitForURL((url) => url.origin === placeOf(slug));
    await expect(new Chat(stranger).box).toHaveAccessibleName("Message to Open to all");
  });
});

test.describe("of a browser that nobody has used", () => {
  test.use({ as: null });

  test("an agent's page that somebody wanted comes after the sign-in", async ({ chat, page }) => {
    const { username, password } = account("demo");
    const keycloak = new SignInPage(page);
    await page.goto(`${placeOf(A)}/chat`);
    await keycloak.asks();
    await keycloak.fill(username, password);
    await page.waitForURL((url) => url.origin === placeOf(A));
    await chat.awake();
    await chat.ask(SHORT_QUESTION);
    await chat.hush();
    expect(page.url()).toMatch(CONVERSATION);
  });

  test("signing out at one host is signing out at all of them", async ({ page, context }) => {
    await signIn(page, "demo");
    await page.goto(placeOf(B));
    await page.goto(placeOf(A));
    const hosts = [BASE_URL, placeOf(A), placeOf(B)];
    const sessions = await Promise.all(hosts.map(async (host) => [host, await sessionAt(page, host)] as const));
    for (const [host, session] of sessions) expect(await isSomebody(host, session), host).toBe(true);

    await signOut(page);
    await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
    for (const [host, session] of sessions) expect(await isSomebody(host, session), host).toBe(false);
    const other = await context.newPage();
    await other.goto(placeOf(B));
    await new SignInPage(other).asks();
  });
});

test("a name that isn't ours gets nothing", async ({ page }) => {
  const { host, hostname, port } = new URL(BASE_URL);
  const session = await sessionAt(page, BASE_URL);
  for (const foreign of [
    `evil.example:${port}`,
    `${host}.evil.example`,
    `${hostname}.evil.example:${port}`,
    `a.b.${host}`,
    `evil${host}`,
    `${hostname}:1`,
    `127.0.0.1:${port}`,
  ]) {
    for (const form of [undefined, { theme: "dark" }]) {
      const { status, headers } = await ask(`http://${foreign}`, form ? "/theme" : "/chat", { session, form });
      expect(status, foreign).toBe(421);
      expect(headers["set-cookie"], foreign).toBeUndefined();
    }
  }
  // Otherwise the statuses above would say nothing.
  expect((await ask(BASE_URL, "/chat", { session })).status).toBe(200);
});
