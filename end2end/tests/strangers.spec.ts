// What is demo's is nobody else's, and no other site acts in demo's name.

import type { APIRequestContext } from "@playwright/test";

import { CONVERSATION } from "../support/chat.ts";
import { BASE_URL } from "../support/environment.ts";
import { STRANGER, cookiesOf, expect, test } from "../support/fixtures.ts";

test("another user finds nothing at demo's addresses and can change nothing there", async ({ chat, playwright }) => {
  const path = await chat.begin("Something private");
  const conversation = path.split("/").at(-1) ?? "";
  const generation = await chat.generation();
  const maker = await playwright.request.newContext({
    baseURL: BASE_URL,
    storageState: cookiesOf("maker"),
    extraHTTPHeaders: { accept: "text/html", origin: BASE_URL },
    maxRedirects: 0,
  });

  const page = await maker.get(path);
  expect(page.status()).toBe(404);
  expect(await page.text()).not.toContain("Something private");
  // The same as for an address that nobody has.
  const nowhere = await maker.get("/chat/019a0000-0000-7000-8000-000000000001");
  expect(nowhere.status()).toBe(404);

  const events = await maker.get(`/api/generations/${generation}/events`);
  expect(events.status()).toBe(404);
  expect(await events.text()).not.toContain("event:");

  const post = async (name: string, form: Record<string, string>) => {
    const answer = await maker.post(`/api/fn/${name}`, { form, headers: { accept: "application/json" } });
    expect(answer.ok(), name).toBe(false);
    expect(await answer.text(), name).toContain("not_found");
  };
  await post("stop_answer", { generation });
  await post("answer_again", { generation });
  await post("send_message", { conversation, text: "Hello from maker", key: "a-key-of-maker" });
  await post("rename_conversation", { conversation, title: "Renamed by maker" });
  await post("delete_conversation", { conversation });
  await post("restore_conversation", { conversation });
  await maker.dispose();

  await chat.reload();
  await expect(chat.questions).toHaveCount(1);
  await expect(chat.title).not.toHaveText("Renamed by maker");
});

test("another user's page says that there is nothing", async ({ chat, browser }) => {
  const path = await chat.begin("Something else that is private");
  const context = await browser.newContext({ baseURL: BASE_URL, storageState: cookiesOf("maker") });
  const page = await context.newPage();
  const answer = await page.goto(path);
  expect(answer?.status()).toBe(404);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Nothing here");
  await context.close();
});

test.describe("a request that no page of ours made", () => {
  const form = { agent: "companion", text: "Sent by somebody else", key: "somebody-else-s-key" };

  async function nothingWasSent(request: APIRequestContext): Promise<void> {
    expect(await (await request.get("/chat")).text()).not.toContain("Sent by somebody else");
  }

  for (const origin of ["https://evil.example", "http://evil.localhost", "null"]) {
    test(`with the origin ${origin} is refused`, async ({ page }) => {
      const answer = await page.request.post("/api/fn/send_message", { form, headers: { origin } });
      expect(answer.status()).toBe(403);
      await nothingWasSent(page.request);
    });
  }

  test("without an origin is refused", async ({ page }) => {
    const answer = await page.request.post("/api/fn/send_message", { form });
    expect(answer.status()).toBe(403);
    await nothingWasSent(page.request);
  });

  test("without a session is refused", async ({ playwright }) => {
    const nobody = await playwright.request.newContext({ baseURL: BASE_URL, storageState: STRANGER });
    const answer = await nobody.post("/api/fn/send_message", { form, headers: { origin: BASE_URL } });
    expect(answer.ok()).toBe(false);
    expect(await answer.text()).toContain("signed_out");
    const events = await nobody.get("/api/generations/019a0000-0000-7000-8000-000000000001/events");
    expect(events.status()).toBe(401);
    await nobody.dispose();
  });

  // Another port of the same host is the same site, so the browser sends the cookie along.
  test("from a form on another port of this host is refused", async ({ page }) => {
    const fields = Object.entries(form).map(([name, value]) => `<input name="${name}" value="${value}">`);
    await page.route("http://localhost:4999/", (route) =>
      route.fulfill({
        contentType: "text/html",
        body: `<form method="post" action="${BASE_URL}/api/fn/send_message">${fields.join("")}<button>Win</button></form>`,
      }),
    );
    await page.goto("http://localhost:4999/");
    const answered = page.waitForResponse(/send_message/);
    await page.getByRole("button", { name: "Win" }).click();
    const answer = await answered;
    expect((await answer.request().allHeaders())["cookie"]).toContain("onelastai_session=");
    expect(answer.status()).toBe(403);
    expect(page.url()).not.toMatch(CONVERSATION);
    await nothingWasSent(page.request);
  });
});
