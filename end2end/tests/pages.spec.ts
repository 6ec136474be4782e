// Every page that asks no model, in light and dark, as wide as a desk's and a phone's: no violation
// of WCAG 2.2 AA that axe can find, and a picture to look at in test-results/screens/.

import { AgentDesk, freshSlug, makeAgent } from "../support/agents.ts";
import { expect, test } from "../support/fixtures.ts";
import { look } from "../support/looks.ts";
import { placeOf } from "../support/places.ts";

test.use({ reducedMotion: "reduce" });

test.describe("of a stranger", () => {
  test.use({ as: null });
  test("the front door", async ({ page }) => {
    await page.goto("/");
    await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
    await look(page, "home");
  });

  test("the reference of the API", async ({ page }) => {
    await page.goto("/docs");
    await expect(page.getByRole("heading", { name: "API", level: 1 })).toBeVisible();
    await look(page, "reference");
  });
});

test.describe("of a maker of agents", () => {
  test.use({ as: "maker" });
  test("the dashboard", async ({ page, exhibits }) => {
    for (const [name, path] of [
      ["agents-roster", "/agents"],
      ["agents-import", "/agents/import"],
      ["agent-build", `/agents/${exhibits.agent}`],
      ["agent-versions", `/agents/${exhibits.agent}/versions`],
      ["agent-comparison", `/agents/${exhibits.agent}/versions/2`],
      ["agent-numbers", `/agents/${exhibits.agent}/numbers`],
      ["account", "/account"],
    ] as const) {
      expect((await page.goto(path))?.status(), path).toBe(200);
      // What is folded is looked at open.
      for (const fold of await page.locator("details.fold > summary").all()) await fold.click();
      await look(page, name);
    }
  });

  test("an agent that was just deleted", async ({ page }) => {
    const desk = new AgentDesk(page);
    await page.goto(`/agents/${await makeAgent(page.request, { slug: freshSlug("gone") })}`);
    await desk.press("Delete");
    await expect(desk.done).toBeVisible();
    await page.locator("details.fold > summary").click();
    await look(page, "agent-deleted");
  });
});

test.describe("of an administrator", () => {
  test.use({ as: "admin" });
  test("administration", async ({ page, exhibits }) => {
    for (const [name, path] of [
      ["users", "/admin"],
      ["user", `/admin/users/${exhibits.user}`],
      ["models", "/admin/models"],
      ["model-new", "/admin/models/new"],
      ["audit", "/admin/audit"],
      ["audit-entry", "/admin/audit/entry/1"],
    ] as const) {
      expect((await page.goto(path))?.status(), path).toBe(200);
      await look(page, name);
    }
  });
});

test("the keys of an account", async ({ page }) => {
  for (const [name, path] of [
    ["keys-of-account", "/account/keys"],
    ["key-new", "/account/keys/new"],
  ] as const) {
    expect((await page.goto(path))?.status(), path).toBe(200);
    await look(page, name);
  }
});

test.describe("of a stranger at an agent's host", () => {
  test.use({ as: null });
  test("the front of a public agent", async ({ page, exhibits }) => {
    await page.goto(placeOf(exhibits.agent));
    await expect(page.getByRole("link", { name: "Sign in and chat" })).toBeVisible();
    await look(page, "agent-front");
  });
});

test("a page that isn't there", async ({ page }) => {
  for (const path of ["/chat/019a0000-0000-7000-8000-000000000001", "/nowhere"]) {
    const answer = await page.goto(path);
    expect(answer?.status()).toBe(404);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Nothing here");
    await look(page, path === "/nowhere" ? "not-found" : "not-yours");
  }
});
