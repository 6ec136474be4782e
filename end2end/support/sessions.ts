// A list of sessions, of oneself or of somebody else.

import type { Locator, Page } from "@playwright/test";

export class Sessions {
  readonly rows: Locator;
  /** What was done. */
  readonly done: Locator;
  readonly endOthers: Locator;

  constructor(readonly page: Page) {
    this.rows = page.getByRole("main").locator("tbody tr");
    this.done = page.locator(".desk-notice[role=status]");
    this.endOthers = page.getByRole("button", { name: "Sign out everywhere else" });
  }

  /** The session that is marked so. */
  row(tag: string): Locator {
    return this.rows.filter({ has: this.page.locator(".tag", { hasText: new RegExp(`^${tag}$`) }) });
  }

  /** Ends the session of a device; of the same browser all have the same name. */
  async end(device: string): Promise<void> {
    await this.rows.filter({ hasText: device }).first().getByRole("button", { name: /^End/ }).click();
  }
}
