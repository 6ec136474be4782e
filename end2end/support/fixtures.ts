// What each test can ask for.

import { test as base, type BrowserContext, type BrowserContextOptions } from "@playwright/test";

import { signIn } from "./auth.ts";
import { Chat } from "./chat.ts";
import { rewriteAnswer, type Rewritten } from "./database.ts";
import { BASE_URL, type Person } from "./environment.ts";
import { RICH_ANSWER } from "./samples.ts";

type StorageState = Awaited<ReturnType<BrowserContext["storageState"]>>;

/** A browser on a desk, whatever the test that asks first is about. */
const DESK: BrowserContextOptions = {
  baseURL: BASE_URL,
  viewport: { width: 1280, height: 800 },
  isMobile: false,
  hasTouch: false,
  javaScriptEnabled: true,
};

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
interface Options {
  /** Who is signed in when the test begins; `null`: nobody. */
  as: Person | null;
}
interface Each {
  /** The chat on the test's page. */
  chat: Chat;
}
interface Shared {
  /** The cookies of a person who has signed in, once for all tests. */
  signedIn: (person: Person) => Promise<StorageState>;
  /** Where `demo` has what tests want to look at. */
  samples: Samples;
}

export const test = base.extend<Options & Each, Shared>({
  as: ["demo", { option: true }],

  storageState: async ({ as, signedIn }, use) => {
    await use(as ? await signedIn(as) : STRANGER);
  },

  chat: async ({ page }, use) => {
    await use(new Chat(page));
  },

  signedIn: [
    async ({ browser }, use) => {
      const states = new Map<Person, StorageState>();
      await use(async (person) => {
        let state = states.get(person);
        if (!state) {
          const context = await browser.newContext({ ...DESK, storageState: STRANGER });
          await signIn(await context.newPage(), person);
          state = await context.storageState();
          states.set(person, state);
          await context.close();
        }
        return state;
      });
    },
    { scope: "worker" },
  ],

  samples: [
    async ({ browser, signedIn }, use) => {
      const context = await browser.newContext({ ...DESK, storageState: await signedIn("demo") });
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
});

export { expect } from "@playwright/test";
