// The chat as the person in front of it sees it.

import { expect, type Locator, type Page } from "@playwright/test";

/** The address of a conversation. */
export const CONVERSATION = /\/chat\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** An answer of a sentence or two. */
export const SHORT_QUESTION = "What colour is the sky on a clear day?";
/** A very long answer: time to do something in the middle of it, and to stop it. */
export const LONG_QUESTION = "Write a detailed essay about the history of the sea.";

/** For an answer that may wait for others, and for the model to load. */
const ANSWERED = { timeout: 60_000 };

export class Chat {
  readonly box: Locator;
  readonly send: Locator;
  readonly stop: Locator;
  readonly questions: Locator;
  readonly answers: Locator;
  /** The newest of each. */
  readonly question: Locator;
  readonly answer: Locator;
  readonly title: Locator;
  readonly rail: Locator;
  /** The line of the rail that belongs to this page. */
  readonly entry: Locator;
  readonly problem: Locator;

  constructor(readonly page: Page) {
    this.box = page.getByRole("textbox", { name: /^Message to / });
    this.send = page.getByRole("button", { name: "Send", exact: true });
    this.stop = page.getByRole("button", { name: "Stop the answer" });
    this.questions = page.locator(".message.person");
    this.answers = page.locator(".message.agent");
    this.question = this.questions.last();
    this.answer = this.answers.last();
    this.title = page.getByRole("heading", { level: 1 });
    this.rail = page.getByRole("navigation", { name: "Chats" });
    this.entry = this.rail.locator("a[aria-current=page]");
    this.problem = page.locator("#composer-error");
  }

  async open(path = "/chat"): Promise<void> {
    await this.page.goto(path);
    await this.awake();
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await this.awake();
  }

  /** Waits until the page hears its keyboard: `/` then goes to the message box. */
  async awake(): Promise<void> {
    const heard = () =>
      this.page.evaluate(() => {
        const slash = new KeyboardEvent("keydown", { key: "/", bubbles: true, cancelable: true });
        return !document.body.dispatchEvent(slash);
      });
    // An unoptimised build beside a model that is at work takes its time.
    await expect.poll(heard, { message: "the page is awake", intervals: [50], timeout: 30_000 }).toBe(true);
  }

  /** Sends `text` with the keyboard; ends as soon as an answer is on its way. */
  async ask(text: string): Promise<void> {
    const before = await this.answers.count();
    await this.box.fill(text);
    await this.box.press("Enter");
    await expect(this.answers).toHaveCount(before + 1);
    await this.page.waitForURL(CONVERSATION);
  }

  /** A conversation for tests that don't care about its answer. Gives its path. */
  async begin(text: string): Promise<string> {
    await this.open();
    await this.ask(text);
    await this.hush();
    return this.path();
  }

  /** Ends an answer that doesn't matter any more; it may have come to its end by itself. */
  async hush(): Promise<void> {
    await this.page.keyboard.press("Escape");
    await expect(this.answer).toHaveAttribute("data-state", /^(stopped|complete)$/);
  }

  path(): string {
    return new URL(this.page.url()).pathname;
  }

  /** Waits until the newest answer has more than `length` characters and goes on. */
  async grows(length = 40): Promise<void> {
    const shown = async () => (await this.text()).length;
    await expect.poll(shown, { ...ANSWERED, intervals: [50] }).toBeGreaterThan(length);
    await expect(this.answer).toHaveAttribute("data-state", "generating");
  }

  async finishes(state: "complete" | "stopped" = "complete"): Promise<void> {
    await expect(this.answer).toHaveAttribute("data-state", /^(?!generating)/, ANSWERED);
    await expect(this.answer).toHaveAttribute("data-state", state);
  }

  /** The words of the newest answer. */
  async text(): Promise<string> {
    return (await this.answer.locator(".prose").innerText()).trim();
  }

  /** The newest answer, exactly. */
  async html(): Promise<string> {
    const part = (name: string) => this.answer.locator(name).evaluate((it) => it.innerHTML.trim());
    return (await part(".blocks")) + (await part(".tail"));
  }

  /** Whose events bring the newest answer. */
  async generation(): Promise<string> {
    return (await this.answer.getAttribute("data-generation")) ?? "";
  }

  /** The line of the rail that leads to `path`. */
  line(path = this.path()): Locator {
    const link = this.page.locator(`a[href="${path}"]`);
    return this.rail.getByRole("listitem").filter({ has: link });
  }

  /** On a phone the rail is a sheet that must be opened first. */
  async showRail(): Promise<void> {
    if (await this.rail.isVisible()) return;
    await this.page.getByRole("button", { name: "Chats" }).click();
    await expect(this.rail).toBeVisible();
  }

  /** Opens what can be done with the conversation at `path`. */
  async openMenu(path = this.path()): Promise<Locator> {
    await this.showRail();
    const line = this.line(path);
    await line.hover();
    await line.locator("summary").click();
    return line.locator(".entry-menu");
  }

  async rename(title: string): Promise<void> {
    const menu = await this.openMenu();
    await menu.getByRole("textbox", { name: "Title" }).fill(title);
    await menu.getByRole("button", { name: "Rename" }).click();
  }

  async delete(path = this.path()): Promise<void> {
    const menu = await this.openMenu(path);
    await menu.getByRole("button", { name: "Delete" }).click();
  }
}
