// What each test can ask for.

import { test as base, type BrowserContext } from "@playwright/test";

import { signIn } from "./auth.ts";
import { Chat } from "./chat.ts";
import { rewriteAnswer } from "./database.ts";
import { BASE_URL, type Person } from "./environment.ts";
import { RICH_ANSWER } from "./samples.ts";

type StorageState = Awaited<ReturnType<BrowserContext["storageState"]>>;

/** A browser that nobody has used. */
export const STRANGER: StorageState = { cookies: [], origins: [] };

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
  /** The path of a conversation of `demo` whose answer has everything that an answer can. */
  richConversation: string;
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
          const context = await browser.newContext({ baseURL: BASE_URL, storageState: STRANGER });
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

  richConversation: [
    async ({ browser, signedIn }, use) => {
      const storageState = await signedIn("demo");
      const context = await browser.newContext({ baseURL: BASE_URL, storageState });
      const chat = new Chat(await context.newPage());
      const path = await chat.begin("Show me everything that an answer can have");
      rewriteAnswer((await chat.answer.getAttribute("id")) ?? "", { text: RICH_ANSWER, status: "complete" });
      await context.close();
      await use(path);
    },
    { scope: "worker" },
  ],
});

export { expect } from "@playwright/test";
