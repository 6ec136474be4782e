// The agent dashboard: everything that becomes of an agent, and who may not touch it.

import { readFile } from "node:fs/promises";

import { AgentDesk, FROM_OUR_PAGE, freshSlug, makeAgent } from "../support/agents.ts";
import { signIn } from "../support/auth.ts";
import { Chat, SHORT_QUESTION } from "../support/chat.ts";
import { expect, test } from "../support/fixtures.ts";

test.use({ as: "maker" });

/** For an answer of the model that no page waits for by itself. */
const ANSWERED = { timeout: 60_000 };

test("an agent is made; what is wrong is told at its field and nothing that was typed is lost", async ({ page }) => {
  const desk = new AgentDesk(page);
  const slug = freshSlug("herbalist");
  await page.goto("/agents");
  await desk.follow("New agent");
  await desk.fill({
    Name: "Herbalist <b>&</b> friends",
    Slug: "admin",
    "Or an emoji": "🌿",
    Description: "Knows what grows.\n\n</textarea><b>And where.</b>",
    Instructions: "\nYou know herbs.\n  Be brief.\n",
    Temperature: "warm",
    "Longest answer": "200",
    "Questions to begin with": "What is sorrel?\nWhat is dill?",
  });
  await page.getByLabel("Never leave the premises").check();
  await desk.field("Second").selectOption({ index: 1 });
  await desk.field("Who may use it").selectOption("Everybody who is signed in");

  await test.step("what is no number, and what is no emoji", async () => {
    await desk.fill({ "Or an emoji": "herb" });
    const typed = await desk.typed();
    const answered = page.waitForResponse((response) => response.request().method() === "POST");
    await desk.create.click();
    expect((await answered).status()).toBe(422);
    await expect(desk.problem).toContainText("Nothing was saved yet");
    await expect(desk.field("Temperature")).toHaveAttribute("aria-invalid", "true");
    await expect(desk.field("Temperature")).toHaveAccessibleDescription(/This is not a number that fits here\./);
    await expect(desk.field("Or an emoji")).toHaveAttribute("aria-invalid", "true");
    await expect(desk.field("Or an emoji")).toHaveAccessibleDescription(/write exactly one emoji\./);
    expect(await desk.typed()).toEqual(typed);
  });

  await test.step("a number out of its range, and a reserved slug", async () => {
    await desk.fill({ Temperature: "3", "Or an emoji": "🌿" });
    const typed = await desk.typed();
    await desk.create.click();
    await expect(desk.field("Temperature")).toHaveAccessibleDescription(/Use a number from 0 to 2\./);
    await expect(desk.field("Slug")).toHaveAccessibleDescription(/“admin” is reserved\./);
    await expect(page.locator("[aria-invalid=true]")).toHaveCount(2);
    expect(await desk.typed()).toEqual(typed);
  });

  await test.step("all is well", async () => {
    await desk.fill({ Temperature: "0,5", Slug: slug });
    await desk.create.click();
    await page.waitForURL(`**/agents/${slug}?done=created`);
    await expect(desk.done).toContainText("The agent is there.");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Herbalist <b>&</b> friends");
    await expect(desk.field("Temperature")).toHaveValue("0.5");
    await expect(desk.field("Instructions")).toHaveValue("\nYou know herbs.\n  Be brief.\n");
    await expect(desk.field("Or an emoji")).toHaveValue("🌿");
    await expect(desk.field("Questions to begin with")).toHaveValue("What is sorrel?\nWhat is dill?");
    await expect(page.getByLabel("Never leave the premises")).toBeChecked();
  });

  await test.step("it is found by its name and not by another", async () => {
    await page.goto("/agents");
    await desk.field("Search").fill(slug);
    await desk.press("Show");
    await expect(desk.rows).toHaveCount(1);
    await expect(desk.rows).toContainText("Everybody signed in");
    await expect(desk.rows.locator("td").nth(1)).toHaveText("maker");
    await desk.field("Search").fill(`${slug}-of-nobody`);
    await desk.press("Show");
    await expect(page.getByText("No agent has that in its name, slug, description, owner or group.")).toBeVisible();
  });
});

test("an agent is edited twice, its versions are compared and the first comes back", async ({ page }) => {
  const desk = new AgentDesk(page);
  const slug = await makeAgent(page.request, { slug: freshSlug("sailor"), system_prompt: "Speak of the sea.\nBe brief." });
  await page.goto(`/agents/${slug}`);
  await desk.fill({ Instructions: "Speak of the sea.\nBe long.", "What is new": "Longer" });
  await desk.save.click();
  await expect(desk.done).toContainText("Saved as a new version.");
  await desk.fill({ Name: "Old sailor", "What is new": "An older name" });
  await desk.save.click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Old sailor");
  await desk.save.click();
  await expect(desk.done).toContainText("There was nothing to save.");

  await desk.follow("Versions");
  await expect(desk.rows).toHaveCount(3);
  await expect(desk.rows.nth(0)).toContainText(/Version 3.*An older name.*Milo Maker.*in use/s);
  await expect(desk.rows.nth(1)).toContainText(/Version 2.*Longer/s);

  await desk.follow("Version 3");
  const changes = page.locator("dl.changes");
  await expect(page.getByRole("heading", { name: "From version 2 to version 3" })).toBeVisible();
  await expect(changes).toHaveText(/name\s*Botanist → Old sailor/);
  await page.getByRole("combobox", { name: "Compare with" }).selectOption("Version 1");
  await desk.press("Compare");
  await expect(page.getByRole("heading", { name: "From version 1 to version 3" })).toBeVisible();
  await expect(changes.locator(".removed")).toHaveText(/− Be brief\./);
  await expect(changes.locator(".added")).toHaveText(/\+ Be long\./);

  await desk.press("Restore version 1");
  await expect(desk.done).toContainText("Restored, as version 4.");
  await expect(desk.rows).toHaveCount(4);
  await desk.follow("Build");
  await expect(desk.field("Instructions")).toHaveValue("Speak of the sea.\nBe brief.");
  await expect(desk.field("Name")).toHaveValue("Botanist");
});

test("an old address is nobody else's, and comes back with the version that had it", async ({ page, elsewhere }) => {
  const desk = new AgentDesk(page);
  const slug = await makeAgent(page.request, { slug: freshSlug("nomad") });
  await page.goto(`/agents/${slug}`);
  await desk.fill({ Slug: `${slug}-b` });
  await desk.save.click();
  await page.waitForURL(`**/agents/${slug}-b?done=saved`);

  const { request } = await elsewhere("admin");
  const form = { name: "Nomad", slug, visibility: "private", required_tier: "free", do: "save" };
  const refused = await request.post("/agents/new", { ...FROM_OUR_PAGE, form });
  expect(refused.status()).toBe(422);
  expect(await refused.text()).toContain("This address is taken.");

  await desk.follow("Versions");
  await desk.press("Restore version 1");
  await page.waitForURL(`**/agents/${slug}/versions?saved=3`);
  await expect(desk.done).toContainText("Restored, as version 3.");
});

test("models after the fourth stay when something else is saved", async ({ page }) => {
  const desk = new AgentDesk(page);
  const slug = freshSlug("chooser");
  const models = ["one", "two", "three", "four", "five", "six"].map((name) => `model-${name}`);
  const agent = { name: "Chooser", slug, model_preferences: models };
  const buffer = Buffer.from(JSON.stringify({ format: "onelastai-agent", version: 1, agent }));
  const multipart = { file: { name: "a.json", mimeType: "application/json", buffer } };
  const made = await page.request.post("/agents/import", { ...FROM_OUR_PAGE, multipart });
  expect(made.headers()["location"]).toBe(`/agents/${slug}?done=imported`);
  await page.goto(`/agents/${slug}`);
  await desk.fill({ Description: "Has many." });
  await desk.save.click();
  await expect(desk.done).toContainText("Saved as a new version.");
  const chosen = (await desk.typed()).filter(([name, value]) => name === "model_preferences" && value !== "");
  expect(chosen.map(([, value]) => value)).toEqual(models);
});

test("an agent is tried as the form stands, and nothing of that is kept", async ({ page }) => {
  const desk = new AgentDesk(page);
  const slug = await makeAgent(page.request, { slug: freshSlug("painter") });
  const chats = async () => {
    await page.goto("/chat");
    const lines = new Chat(page).rail.locator('a[href^="/chat/"]');
    return lines.evaluateAll((links) => links.map((link) => link.getAttribute("href")));
  };
  const before = await chats();
  await page.goto(`/agents/${slug}`);
  await desk.press("Ask");
  await expect(desk.field("A question to try it with")).toHaveAccessibleDescription(/Write a question first\./);

  await desk.fill({ Instructions: "Not saved yet.", "A question to try it with": SHORT_QUESTION });
  const typed = await desk.typed();
  await desk.press("Ask");
  const said = page.getByRole("region", { name: /^What .+ said$/ });
  await expect(said.locator(".prose")).toHaveText(/\w/, ANSWERED);
  await expect(said).toHaveCount(1);
  await expect(said.locator(".form-error")).toHaveCount(0);
  expect(await desk.typed()).toEqual(typed);

  await page.goto(`/agents/${slug}`);
  await expect(desk.field("Instructions")).toHaveValue("");
  await expect(desk.field("A question to try it with")).toHaveValue("");
  expect(await chats()).toEqual(before);
});

test("what the keyboard reaches in the form is not behind its bar of buttons", async ({ page }) => {
  await page.setViewportSize({ width: 1280, height: 600 });
  await page.goto("/agents/new");
  const bar = page.locator(".form-actions");
  await page.getByLabel("Name", { exact: true }).focus();
  const reached: string[] = [];
  const hidden: string[] = [];
  for (;;) {
    await page.keyboard.press("Tab");
    const field = await bar.evaluate((bar) => {
      const field = document.activeElement as HTMLInputElement;
      if (bar.contains(field)) return null;
      const seen = field.getBoundingClientRect().bottom <= bar.getBoundingClientRect().top;
      return { name: field.name, seen };
    });
    if (field === null) break;
    reached.push(field.name);
    if (!field.seen) hidden.push(field.name);
  }
  expect(reached).toContain("required_tier");
  expect(hidden).toEqual([]);
});

test("a copy is private; it goes to the archive and comes back, is deleted and comes back", async ({ page }) => {
  const desk = new AgentDesk(page);
  const slug = await makeAgent(page.request, { slug: freshSlug("baker"), name: "Baker", visibility: "signed_in" });
  const inRoster = async (more = "") => {
    await page.goto(`/agents?q=${slug}-copy${more}`);
    return page.getByRole("main").locator("table").first().getByRole("link", { name: "Baker (copy)" });
  };
  await page.goto(`/agents/${slug}`);
  await desk.press("Duplicate");
  await page.waitForURL(`**/agents/${slug}-copy?done=duplicated`);
  await expect(desk.field("Name")).toHaveValue("Baker (copy)");
  await expect(desk.field("Who may use it")).toHaveValue("private");

  await desk.press("Archive");
  await expect(desk.done).toContainText("This agent is archived");
  await expect(await inRoster()).toHaveCount(0);
  await (await inRoster("&archived=1")).click();
  expect((await page.request.get(`/chat?agent=${slug}-copy`)).status()).toBe(404);
  await desk.press("Back into the lists");
  await expect(page.getByRole("button", { name: "Archive", exact: true })).toBeVisible();
  expect((await page.request.get(`/chat?agent=${slug}-copy`)).status()).toBe(200);
  await (await inRoster()).click();

  await desk.press("Delete");
  await expect(desk.done).toContainText("Deleted “Baker (copy)”.");
  expect((await page.request.get(`/agents/${slug}-copy`)).status()).toBe(404);
  await desk.press("Undo Baker (copy)");
  await page.waitForURL(/\/agents$/);
  expect((await page.request.get(`/agents/${slug}-copy`)).status()).toBe(200);
  await expect(await inRoster()).toBeVisible();
});

test("an agent goes out as a file and comes in again as the same", async ({ page }) => {
  const desk = new AgentDesk(page);
  const slug = await makeAgent(page.request, {
    slug: freshSlug("gardener"),
    system_prompt: "Say “ä” & <b>.\n\n\tTwice.",
    starters: "One?\nTwo?",
    temperature: "0.25",
    local_only: "on",
  });
  await page.goto(`/agents/${slug}`);
  const typed = await desk.typed();
  const downloaded = page.waitForEvent("download");
  await desk.follow("Export as a file");
  const download = await downloaded;
  expect(download.suggestedFilename()).toBe(`${slug}.agent.json`);
  const file = await download.path();
  expect(JSON.parse(await readFile(file, "utf8"))).toMatchObject({ format: "onelastai-agent", agent: { slug } });

  await page.goto("/agents/import");
  const send = async (name: string, buffer: Buffer) => {
    await desk.field("File").setInputFiles({ name, mimeType: "application/json", buffer });
    await desk.press("Import");
  };
  await send("no-agent.json", Buffer.from("{"));
  await expect(desk.problem).toContainText("The file can't be read");
  await send("agent.json", await readFile(file));
  await page.waitForURL(`**/agents/${slug}-2?done=imported`);
  const again = typed.map(([name, value]) => [name, name === "slug" ? `${slug}-2` : value]);
  expect(await desk.typed()).toEqual(again);
});

test("the numbers count a chat, and not what the maker tries", async ({ page, elsewhere }) => {
  const desk = new AgentDesk(page);
  const slug = await makeAgent(page.request, { slug: freshSlug("counter"), visibility: "signed_in" });
  await page.goto(`/agents/${slug}/numbers`);
  await expect(desk.fact("Conversations")).toHaveText("0");
  await expect(desk.fact("Answers")).toHaveText("0");
  await expect(desk.fact("Errors")).toHaveText("–");

  const chat = new Chat(await elsewhere("demo"));
  await chat.open(`/chat?agent=${slug}`);
  await chat.ask(SHORT_QUESTION);
  await chat.finishes();

  await expect(async () => {
    await page.goto(`/agents/${slug}/numbers?days=7`);
    await expect(desk.fact("Answers")).toHaveText("1", { timeout: 500 });
  }).toPass({ timeout: 10_000 });
  await expect(desk.fact("Conversations")).toHaveText("1");
  await expect(desk.fact("People")).toHaveText("1");
  await expect(desk.fact("Tokens")).toHaveText(/^[1-9]/);
  await expect(desk.fact("Errors")).toHaveText("0.0 %");
  await expect(desk.fact("Feedback")).toHaveText("0 good, 0 bad");
  await chat.answer.getByRole("button", { name: "A bad answer" }).click();
  await expect(chat.answer.getByRole("button", { name: "A bad answer", pressed: true })).toBeVisible();
  await page.reload();
  await expect(desk.fact("Feedback")).toHaveText("0 good, 1 bad");
  for (const chart of ["People: 1", "Response time, p95: ", "Good answers: 0", "Bad answers: 1"]) {
    await expect(page.getByRole("img", { name: chart })).toBeVisible();
  }
  await page.goto(`/agents?q=${slug}`);
  await expect(desk.rows.locator("td.number")).toHaveText(["1", "1", "0.0 %"]);
});

test("of two editors the second is told, keeps the text and can save it over the other's", async ({ page, elsewhere }) => {
  const slug = await makeAgent(page.request, { slug: freshSlug("twins"), description: "The first." });
  const [first, second] = [new AgentDesk(page), new AgentDesk(await elsewhere("maker"))];
  await first.page.goto(`/agents/${slug}`);
  await second.page.goto(`/agents/${slug}`);
  await first.fill({ Description: "The first, better." });
  await first.save.click();
  await expect(first.done).toContainText("Saved as a new version.");

  await second.fill({ Description: "The second, better.", "What is new": "Mine" });
  const answered = second.page.waitForResponse((response) => response.request().method() === "POST");
  await second.save.click();
  expect((await answered).status()).toBe(409);
  await expect(second.problem).toContainText("Somebody saved version 2 while you were writing.");
  await expect(second.field("Description")).toHaveValue("The second, better.");
  await expect(second.field("What is new")).toHaveValue("Mine");
  await first.page.reload();
  await expect(first.field("Description")).toHaveValue("The first, better.");
  const link = second.page.getByRole("link", { name: "What they changed" });
  await expect(link).toHaveAttribute("href", `/agents/${slug}/versions/2`);

  await second.save.click();
  await expect(second.done).toContainText("Saved as a new version.");
  await expect(second.field("Description")).toHaveValue("The second, better.");
});

test("who makes no agents finds none of this, and changes nothing", async ({ page, elsewhere }) => {
  const slug = await makeAgent(page.request, { slug: freshSlug("keeper"), visibility: "signed_in" });
  const desk = new AgentDesk(page);
  await page.goto(`/agents/${slug}`);
  const agent = await desk.id();
  const typed = await desk.typed();
  const { request } = await elsewhere("demo");
  // May use it, so it isn't that demo knows of no such agent.
  expect((await request.get(`/chat?agent=${slug}`)).status()).toBe(200);

  for (const path of ["", "/new", "/import", `/${slug}`, `/${slug}/versions`, `/${slug}/numbers`, `/${slug}/export.json`]) {
    expect((await request.get(`/agents${path}`)).status(), path).toBe(404);
  }
  const form = { name: "Taken over", slug, avatar: "red", visibility: "public", required_tier: "free", based_on: "1" };
  const post = async (path: string, more: object) => {
    const answer = await request.post(path, { ...FROM_OUR_PAGE, ...more });
    expect(answer.status(), path).toBe(404);
  };
  for (const what of ["save", "try"]) {
    await post(`/agents/${slug}`, { form: { ...form, do: what, question: "Hello?" } });
    await post("/agents/new", { form: { ...form, slug: `${slug}-b`, do: what, question: "Hello?" } });
  }
  const file = await (await page.request.get(`/agents/${slug}/export.json`)).body();
  await post("/agents/import", { multipart: { file: { name: "a.json", mimeType: "application/json", buffer: file } } });
  const program = { headers: { ...FROM_OUR_PAGE.headers, accept: "application/json" } };
  for (const name of ["duplicate_agent", "archive_agent", "unarchive_agent", "delete_agent", "restore_agent"]) {
    await post(`/api/fn/${name}`, { ...program, form: { agent } });
  }
  await post("/api/fn/restore_agent_version", { ...program, form: { slug, based_on: "1", version: "1" } });

  await page.goto(`/agents/${slug}`);
  expect(await desk.typed()).toEqual(typed);
  await page.goto(`/agents?q=${slug}`);
  await expect(desk.rows).toHaveCount(1);
});

test.describe("without JavaScript", () => {
  test.use({ as: null, javaScriptEnabled: false });

  test("an agent is made, tried, edited, restored, copied, archived, deleted and brought back", async ({ page }) => {
    const desk = new AgentDesk(page);
    const slug = freshSlug("scriptless");
    await signIn(page, "maker", "/agents/new");
    await desk.fill({ Name: "Scriptless", Slug: slug, Temperature: "9" });
    await desk.create.click();
    await expect(desk.field("Temperature")).toHaveAccessibleDescription(/Use a number from 0 to 2\./);
    await expect(desk.field("Name")).toHaveValue("Scriptless");
    await desk.fill({ Temperature: "1", "A question to try it with": SHORT_QUESTION });
    await desk.press("Ask");
    await expect(page.getByRole("region", { name: /said$/ }).locator(".prose")).toHaveText(/\w/, ANSWERED);
    await desk.create.click();
    await expect(desk.done).toContainText("The agent is there.");
    await desk.fill({ Description: "Edited." });
    await desk.save.click();
    await expect(desk.done).toContainText("Saved as a new version.");
    await desk.follow("Versions");
    await desk.press("Restore version 1");
    await expect(desk.done).toContainText("Restored, as version 3.");
    await desk.press("Archive");
    await expect(desk.done).toContainText("This agent is archived");
    await desk.press("Back into the lists");
    await desk.press("Duplicate");
    await expect(desk.done).toContainText("This is the copy.");
    await desk.press("Delete");
    await expect(desk.done).toContainText("Deleted “Scriptless (copy)”.");
    await desk.press("Undo Scriptless (copy)");
    await page.goto(`/agents?q=${slug}`);
    await expect(desk.rows).toHaveCount(2);
  });
});
