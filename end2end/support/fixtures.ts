// What each test can ask for.

import { expect, test as base, type BrowserContext, type BrowserContextOptions, type Page } from "@playwright/test";

import { AgentDesk, freshSlug, makeAgent } from "./agents.ts";
import { Chat } from "./chat.ts";
import { rewriteAnswer, type Rewritten } from "./database.ts";
import { BASE_URL, type Person } from "./environment.ts";
import { addNewcomer, removeNewcomer, type Newcomer } from "./keycloak.ts";
import { ESSAYIST, EXHIBIT, RICH_ANSWER } from "./samples.ts";

type StorageState = Awaited<ReturnType<BrowserContext["storageState"]>>;

/** A browser on a desk, whatever the test that asks first is about. */
const DESK: BrowserContextOptions = {
  baseURL: BASE_URL,
  viewport: { width: 1280, height: 800 },
  isMobile: false,
  hasTouch: false,
  javaScriptEnabled: true,
};

/** The file with the cookies of a person who has signed in (tests/people.setup.ts). */
export const cookiesOf = (person: Person) => `test-results/people/${person}.json`;

/** A browser that nobody has used. */
export const STRANGER: StorageState = { cookies: [], origins: [] };

interface Samples {
  /** A conversation whose answer has everything that an answer can. */
  rich: string;
  /** One whose answer failed. */
  failed: string;
  /** A new chat right after a conversation was deleted. */
  deleted: string;
}
/** What the pages of the dashboard and of administration are looked at with. */
export interface Exhibits {
  /** The slug of an agent of `maker` with two versions and a chat, open to everybody. */
  agent: string;
  /** The id of an account. */
  user: string;
}
interface Options {
  /** Who is signed in when the test begins; `null`: nobody. */
  as: Person | null;
}
interface Each {
  /** The chat on the test's page. */
  chat: Chat;
  /** A page of another browser, where `person` is signed in; `null`: nobody. */
  elsewhere: (person: Person | null, options?: BrowserContextOptions) => Promise<Page>;
  /** Somebody of this test alone, who has never been here. */
  newcomer: Newcomer;
  /** Somebody else of this test alone. */
  another: Newcomer;
}
interface Shared {
  /** Where `demo` has what tests want to look at. */
  samples: Samples;
  exhibits: Exhibits;
  /** The slug of an agent whose answers to a long question end after some seconds by themselves. */
  essayist: string;
}

async function passing(use: (newcomer: Newcomer) => Promise<void>): Promise<void> {
  const newcomer = await addNewcomer();
  await use(newcomer);
  await removeNewcomer(newcomer);
}

export const test = base.extend<Options & Each, Shared>({
  as: ["demo", { option: true }],

  storageState: async ({ as }, use) => {
    await use(as ? cookiesOf(as) : STRANGER);
  },

  chat: async ({ page }, use) => {
    await use(new Chat(page));
  },

  elsewhere: async ({ browser }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (person, options) => {
      const storageState = person ? cookiesOf(person) : STRANGER;
      const context = await browser.newContext({ ...DESK, storageState, ...options });
      contexts.push(context);
      return context.newPage();
    });
    for (const context of contexts) await context.close();
  },

  newcomer: async ({}, use) => passing(use),
  another: async ({}, use) => passing(use),

  // What the page itself had to say is often why a test failed.
  page: async ({ page }, use, test) => {
    const said: string[] = [];
    page.on("pageerror", (error) => said.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") said.push(message.text());
    });
    await use(page);
    if (test.status === test.expectedStatus || said.length === 0) return;
    await test.attach("console", { body: said.join("\n"), contentType: "text/plain" });
  },

  samples: [
    async ({ browser }, use) => {
      const context = await browser.newContext({ ...DESK, storageState: cookiesOf("demo") });
      const chat = new Chat(await context.newPage());
      const rewritten = async (question: string, answer: Rewritten) => {
        const path = await chat.begin(question);
        rewriteAnswer((await chat.answer.getAttribute("id")) ?? "", answer);
        return path;
      };
      const rich = await rewritten("Show me everything that an answer can have", {
        text: RICH_ANSWER,
        status: "complete",
      });
      const failed = await rewritten("A question that no model can answer to its end", {
        text: "It begins well, and then",
        status: "failed",
        error: "idle_timeout",
      });
      await chat.begin("A conversation that nobody wants any more");
      await chat.reload();
      await chat.delete();
      await chat.page.waitForURL(/deleted=/);
      const { pathname, search } = new URL(chat.page.url());
      await context.close();
      await use({ rich, failed, deleted: pathname + search });
    },
    { scope: "worker" },
  ],

  exhibits: [
    async ({ browser }, use) => {
      const pageOf = async (person: Person) => {
        const context = await browser.newContext({ ...DESK, storageState: cookiesOf(person) });
        return context.newPage();
      };
      const maker = await pageOf("maker");
      const agent = await makeAgent(maker.request, { ...EXHIBIT, slug: freshSlug("exhibit") });
      const desk = new AgentDesk(maker);
      await maker.goto(`/agents/${agent}`);
      await desk.fill({ Instructions: "Say less.\nAnd nothing twice.", "What is new": "Fewer words" });
      await desk.save.click();
      await expect(desk.done).toBeVisible();
      await maker.context().close();

      const chat = new Chat(await pageOf("demo"));
      await chat.open(`/chat?agent=${agent}`);
      await chat.ask("A question for the numbers");
      await chat.hush();
      await chat.page.context().close();

      const admin = await pageOf("admin");
      await admin.goto("/admin?q=demo");
      const link = admin.getByRole("link", { name: "Dana Demo" });
      const user = (await link.getAttribute("href"))?.split("/").at(-1) ?? "";
      await admin.context().close();
      await use({ agent, user });
    },
    { scope: "worker" },
  ],

  essayist: [
    async ({ browser }, use) => {
      const context = await browser.newContext({ ...DESK, storageState: cookiesOf("maker") });
      await use(await makeAgent(context.request, { ...ESSAYIST, slug: freshSlug("essayist") }));
      await context.close();
    },
    { scope: "worker" },
  ],
});

export { expect } from "@playwright/test";
