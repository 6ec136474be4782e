// The page of the models, as an operator uses it.

import { expect, type Locator, type Page } from "@playwright/test";

import { MODEL } from "./environment.ts";

/** Where the tests' Ollama is, and its name of the model there. */
export const OLLAMA = (process.env.OLLAMA_URLS ?? "").split(/[,;]/)[0]?.trim().replace(/\/$/, "") ?? "";
export const ENGINE_MODEL = process.env.OLLAMA_MODEL ?? "";

/** A name that no other test has. */
export const freshModel = (name: string) => `${name}-${crypto.randomUUID().slice(0, 8)}`;

export class ModelsPage {
  /** What came of the last thing that was done. */
  readonly notice: Locator;

  constructor(readonly page: Page) {
    this.notice = page.locator(".desk-notice").first();
  }

  async open(): Promise<void> {
    await this.page.goto("/admin/models");
    await expect(this.page.getByRole("heading", { level: 1 })).toHaveText("Models");
  }

  /** The lines of a model, one an instance. */
  rows(model: string = MODEL): Locator {
    return this.page.getByRole("row").filter({ has: this.page.getByRole("rowheader", { name: new RegExp(`^${model} `) }) });
  }

  async press(model: string, word: string): Promise<void> {
    await this.rows(model).first().getByRole("button", { name: word }).click();
  }

  /** Fills in the form for a model of the tests' Ollama. */
  async describe(id: string, address = OLLAMA): Promise<void> {
    await this.page.goto("/admin/models/new");
    await this.page.getByLabel("Name", { exact: true }).fill(id);
    await this.page.getByLabel("Name at the engine").fill(ENGINE_MODEL);
    await this.page.getByLabel("Addresses").fill(`${address};slots=2`);
  }

  async add(id: string, address = OLLAMA): Promise<void> {
    await this.describe(id, address);
    await this.page.getByRole("button", { name: "Add the model" }).click();
    await expect(this.notice).toContainText("The model is there");
  }

  async remove(id: string): Promise<void> {
    await this.page.goto(`/admin/models/${id}`);
    await this.page.getByRole("button", { name: "Remove" }).click();
    await expect(this.notice).toContainText(`${id} was removed`);
  }
}
