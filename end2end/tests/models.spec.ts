// The models: an operator sees how they are, and adds, drains and removes them while the app runs.

import { AxeBuilder } from "@axe-core/playwright";

import { FROM_OUR_PAGE } from "../support/agents.ts";
import { SignInPage } from "../support/auth.ts";
import { API_KEY, MODEL } from "../support/environment.ts";
import { expect, test } from "../support/fixtures.ts";
import { ENGINE_MODEL, ModelsPage, OLLAMA, freshModel } from "../support/models.ts";

test.use({ as: "admin" });

/** For a model that may have to be loaded first. */
const ANSWERED = { timeout: 60_000 };

test("an operator sees how every instance is, and asks one something", async ({ page }) => {
  const models = new ModelsPage(page);
  await models.open();
  const row = models.rows().first();
  await expect(row).toContainText(OLLAMA);
  await expect(row).toContainText(ENGINE_MODEL);
  // It looks for itself every 15 seconds; the page follows without a reload.
  await expect(row).toContainText("well", { timeout: 20_000 });
  await expect(row).toContainText(/\d+\.\d+\.\d+/);
  await expect(page.getByText(/^[1-9]\d* of \d+$/).first()).toBeVisible();

  await models.press(MODEL, "Test");
  await expect(models.notice).toContainText(/answered after .+ s, in .+ altogether: “.+”/, ANSWERED);
});

test("a model is added, answers at once, is drained, taken back in, removed and brought back", async ({ page }) => {
  const models = new ModelsPage(page);
  const id = freshModel("added");
  const ask = () =>
    page.request.post("/v1/chat/completions", {
      headers: { authorization: `Bearer ${API_KEY}` },
      data: { model: id, max_tokens: 4, messages: [{ role: "user", content: "Say hi." }] },
      timeout: ANSWERED.timeout,
    });
  expect((await ask()).status(), "before").toBe(404);

  await test.step("added, and it answers without a restart", async () => {
    await models.add(id);
    await expect(models.rows(id)).toHaveCount(1);
    await expect(models.rows(id)).toContainText("0 / 2");
    const answer = await ask();
    expect(answer.status()).toBe(200);
    expect((await answer.json()).choices[0].message.content).not.toBe("");
  });

  await test.step("drained: nothing new goes there", async () => {
    await models.open();
    await models.press(id, "Drain");
    await expect(models.notice).toContainText("gets nothing new");
    await expect(models.rows(id)).toContainText("draining");
    expect((await ask()).status()).toBeGreaterThanOrEqual(400);
    // It can still be tried out.
    await models.press(id, "Test");
    await expect(models.notice).toContainText("answered after", ANSWERED);
  });

  await test.step("taken back in", async () => {
    await models.press(id, "Take back in");
    await expect(models.rows(id)).not.toContainText("draining");
    expect((await ask()).status()).toBe(200);
  });

  await test.step("removed, and brought back", async () => {
    await models.remove(id);
    await expect(models.rows(id)).toHaveCount(0);
    expect((await ask()).status()).toBe(404);
    await page.getByRole("button", { name: "Undo" }).click();
    await expect(models.notice).toContainText("The model is back.");
    await expect(models.rows(id)).toHaveCount(1);
    await models.remove(id);
  });

  await test.step("all of it is in the audit log", async () => {
    await page.goto(`/admin/audit?text=${id}`);
    const actions = ["delete", "create", "delete", "undrain", "drain", "create"].map((it) => new RegExp(`model\\.${it}`));
    await expect(page.locator("tbody tr")).toContainText(actions);
  });
});

test("what is wrong is told at its field, nothing that was typed is lost, and a key never comes back", async ({ page }) => {
  const models = new ModelsPage(page);
  const id = freshModel("wrong");
  const key = `sk-canary-${crypto.randomUUID()}`;
  await models.describe(id, "http://user:word@gpu-1:11434\nhttp://169.254.169.254/v1\nhttp://gpu-2:11434");
  await page.getByLabel("Context").fill("much");
  await page.getByLabel("Key", { exact: true }).fill(key);
  const answered = page.waitForResponse((response) => response.request().method() === "POST");
  await page.getByRole("button", { name: "Add the model" }).click();
  const answer = await answered;
  expect(answer.status()).toBe(422);
  expect(await answer.text()).not.toContain(key);
  await expect(models.notice).toContainText("Nothing was saved yet");
  await expect(page.getByLabel("Addresses")).toHaveAccessibleDescription(/Line 1: leave the user.+Line 2: this is a cloud's metadata service/);
  await expect(page.getByLabel("Context")).toHaveAccessibleDescription(/not a whole number/);
  await expect(page.getByLabel("Context")).toHaveValue("much");
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue(id);
  await expect(page.getByLabel("Key", { exact: true })).toHaveValue("");
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);

  await page.getByLabel("Addresses").fill("http://127.0.0.1:9/v1");
  await page.getByLabel("Context").fill("4096");
  await page.getByLabel("Key", { exact: true }).fill(key);
  await page.getByRole("button", { name: "Add the model" }).click();
  await expect(models.notice).toContainText("The model is there");
  for (const path of [`/admin/models/${id}`, "/admin/models", `/admin/audit?text=${id}`]) {
    const text = await (await page.request.get(path)).text();
    expect(text).toContain(id);
    expect(text).not.toContain(key);
  }
  await page.goto(`/admin/models/${id}`);
  await expect(page.getByLabel("Key", { exact: true })).toHaveAccessibleDescription(/One is stored/);

  await test.step("it goes to no other server by itself", async () => {
    await page.getByLabel("Addresses").fill("http://127.0.0.1:10/v1");
    await page.getByRole("button", { name: "Save" }).click();
    await expect(page.getByLabel("Key", { exact: true })).toHaveAccessibleDescription(/type it again/);
  });
  await models.remove(id);
});

test("the table follows what happens elsewhere, and says when it can't", async ({ page, elsewhere }) => {
  const models = new ModelsPage(page);
  const id = freshModel("watched");
  await models.open();
  const focused = models.rows().first().getByRole("button", { name: "Test" });
  await focused.focus();
  const other = new ModelsPage(await elsewhere("admin"));
  await other.add(id);
  await expect(models.rows(id)).toHaveCount(1);
  await other.press(id, "Drain");
  await expect(models.rows(id)).toContainText("draining");
  await expect(models.rows(id).getByRole("button", { name: "Take back in" })).toBeVisible();
  await page.context().setOffline(true);
  await expect(page.getByText("this is how it was")).toBeVisible();
  await page.context().setOffline(false);
  await expect(page.getByText("this is how it was")).toBeHidden();
  await other.remove(id);
  await expect(models.rows(id)).toHaveCount(0);
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });
  test("a model is added, changed, drained and removed", async ({ page }) => {
    const models = new ModelsPage(page);
    const id = freshModel("plain");
    await models.add(id);
    await models.press(id, "Drain");
    await expect(models.rows(id)).toContainText("draining");
    await models.press(id, "Take back in");
    await models.rows(id).getByRole("link").click();
    await page.getByLabel("Good for").fill("tests");
    await page.getByLabel("In service").uncheck();
    await page.getByRole("button", { name: "Save" }).click();
    await expect(models.notice).toContainText("Saved.");
    await expect(models.rows(id)).toContainText("switched off");
    await models.remove(id);
  });
});

test("somebody who saved in between is not overwritten unseen", async ({ page, elsewhere }) => {
  const models = new ModelsPage(page);
  const id = freshModel("shared");
  await models.add(id);
  await page.goto(`/admin/models/${id}`);
  const other = await elsewhere("admin");
  await other.goto(`/admin/models/${id}`);
  await other.getByLabel("Good for").fill("theirs");
  await other.getByRole("button", { name: "Save" }).click();
  await page.getByLabel("Good for").fill("mine");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(models.notice).toContainText("Somebody changed this model");
  await expect(page.getByLabel("Good for")).toHaveValue("mine");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(models.notice).toContainText("Saved.");
  await models.remove(id);
});

test("others find nothing, and change nothing", async ({ page, elsewhere }) => {
  for (const person of ["auditor", "maker", "demo"] as const) {
    const { request } = await elsewhere(person);
    for (const path of ["/admin/models", "/admin/models/new", `/admin/models/${MODEL}`]) {
      expect((await request.get(path)).status(), `${person}: ${path}`).toBe(404);
    }
    const forms = {
      "/admin/models": { do: "drain", model: MODEL, instance: OLLAMA },
      "/admin/models/new": { id: "sneaky", engine_name: "x", instances: "http://127.0.0.1:9" },
      [`/admin/models/${MODEL}`]: { do: "remove" },
    };
    for (const [path, form] of Object.entries(forms)) {
      const answer = await request.post(path, { ...FROM_OUR_PAGE, form });
      expect(answer.status(), `${person}: POST ${path}`).toBe(404);
    }
  }
  const models = new ModelsPage(page);
  await models.open();
  await expect(models.rows()).toHaveCount(1);
  await expect(models.rows()).not.toContainText("draining");
  await expect(models.rows("sneaky")).toHaveCount(0);

  const stranger = await elsewhere(null);
  await stranger.goto("/admin/models");
  await new SignInPage(stranger).asks();
});
