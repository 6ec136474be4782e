// The agent dashboard as the person in front of it sees it.

import { expect, type APIRequestContext, type Locator, type Page } from "@playwright/test";

import { BASE_URL } from "./environment.ts";

/** A slug that no test had before: what is deleted keeps its slug. */
export function freshSlug(word: string): string {
  return `${word}-${Date.now().toString(36)}`;
}

/** What every form of an agent has, whoever fills it in. */
const PLAIN = { name: "Botanist", avatar: "teal", visibility: "private", required_tier: "free", do: "save" };

/** A request that our own page could have made, and whose redirects are for the test to see. */
export const FROM_OUR_PAGE = { headers: { accept: "text/html", origin: BASE_URL }, maxRedirects: 0 };

/** Makes an agent for tests that don't care how. */
export async function makeAgent(
  request: APIRequestContext,
  fields: Record<string, string> & { slug: string },
): Promise<string> {
  const made = await request.post("/agents/new", { ...FROM_OUR_PAGE, form: { ...PLAIN, ...fields } });
  expect(made.headers()["location"]).toBe(`/agents/${fields.slug}?done=created`);
  return fields.slug;
}

export class AgentDesk {
  /** What was done. */
  readonly done: Locator;
  /** What went wrong. */
  readonly problem: Locator;
  readonly save: Locator;
  readonly create: Locator;
  /** Of the page's table; not those that were deleted, which are folded away. */
  readonly rows: Locator;
  readonly form: Locator;

  constructor(readonly page: Page) {
    this.done = page.locator(".desk-notice[role=status]");
    this.problem = page.locator(".desk-notice[role=alert]");
    this.save = page.getByRole("button", { name: "Save", exact: true });
    this.create = page.getByRole("button", { name: "Create the agent" });
    this.rows = page.getByRole("main").locator("tbody tr:not(details *)");
    this.form = page.locator("form.side-by-side");
  }

  field(label: string): Locator {
    return this.page.getByLabel(label, { exact: true });
  }

  async fill(values: Record<string, string>): Promise<void> {
    for (const [label, value] of Object.entries(values)) await this.field(label).fill(value);
  }

  /** Everything that stands in the form, as it would be sent. */
  async typed(): Promise<[string, string][]> {
    return this.form.evaluate((form) =>
      [...new FormData(form as HTMLFormElement)].map(([name, value]): [string, string] => [name, String(value)]),
    );
  }

  /** The id, which buttons carry along. */
  async id(): Promise<string> {
    return this.page.locator("input[name=agent]").first().inputValue();
  }

  /** One of the facts of the numbers page. */
  fact(name: string): Locator {
    const fact = this.page.locator(".figures > div");
    return fact.filter({ has: this.page.locator("dt", { hasText: new RegExp(`^${name}$`) }) }).locator("dd");
  }

  async press(name: string): Promise<void> {
    await this.page.getByRole("main").getByRole("button", { name, exact: true }).click();
  }

  async follow(name: string): Promise<void> {
    await this.page.getByRole("main").getByRole("link", { name, exact: true }).click();
  }
}
