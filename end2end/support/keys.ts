// The pages of API keys.

import type { Locator, Page } from "@playwright/test";

export class Keys {
  readonly rows: Locator;
  /** What was done. */
  readonly done: Locator;
  /** What went wrong. */
  readonly problem: Locator;
  /** The key, on the only page that shows it. */
  readonly key: Locator;
  readonly make: Locator;

  constructor(readonly page: Page) {
    this.rows = page.getByRole("main").locator("tbody tr");
    this.done = page.locator(".desk-notice[role=status]");
    this.problem = page.locator(".desk-notice[role=alert]");
    this.key = page.getByRole("textbox", { name: "The key" });
    this.make = page.getByRole("button", { name: "Make the key" });
  }

  row(name: string): Locator {
    return this.rows.filter({ has: this.page.getByRole("link", { name, exact: true }) });
  }

  /** Makes a key as the form comes, but for its name; the key. */
  async new(name: string): Promise<string> {
    await this.page.goto("/account/keys/new");
    await this.page.getByLabel("Name", { exact: true }).fill(name);
    await this.make.click();
    return this.key.inputValue();
  }

  /** Opens a key's page from the list; its id. */
  async open(name: string): Promise<string> {
    await this.page.goto("/account/keys");
    await this.row(name).getByRole("link", { name, exact: true }).click();
    await this.page.waitForURL(/\/account\/keys\/[0-9a-f-]{36}$/);
    return new URL(this.page.url()).pathname.split("/").at(-1) ?? "";
  }
}
