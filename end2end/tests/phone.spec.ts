// On a phone: the rail is a sheet, targets are as large as a thumb, nothing is wider than
// the screen.

import type { Page } from "@playwright/test";

import { CONVERSATION } from "../support/chat.ts";
import { expect, test, type Exhibits } from "../support/fixtures.ts";
import { placeOf } from "../support/places.ts";

test.use({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });

/** What can be pressed but is smaller than 44 px in one direction; links in text don't count. */
async function smallTargets(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const small = new Set<string>();
    for (const target of document.querySelectorAll("button, summary, textarea, input:not([type=hidden]), a[href]")) {
      if (!target.checkVisibility({ visibilityProperty: true }) || target.closest(".prose, .skip")) continue;
      // Where it is pressed with its label, the label counts.
      const { width, height } = (target.closest("label") ?? target).getBoundingClientRect();
      if (width >= 44 && height >= 44) continue;
      const place = target.closest("[class]");
      small.add(`${target.localName} in .${place?.className}: ${Math.round(width)} × ${Math.round(height)}`);
    }
    return [...small];
  });
}

/** Nothing sticks out to the right, neither of the page nor of the thread. */
async function fits(page: Page): Promise<void> {
  const widths = await page.evaluate(() => {
    const thread = document.querySelector("#scroll");
    return {
      screen: screen.width,
      window: innerWidth,
      page: document.documentElement.scrollWidth,
      thread: thread ? thread.scrollWidth - thread.clientWidth : 0,
    };
  });
  const width = page.viewportSize()?.width;
  expect.soft(widths, page.url()).toEqual({ screen: width, window: width, page: width, thread: 0 });
}

test("the rail opens as a sheet and leads to a conversation", async ({ chat, page, samples }) => {
  await chat.open();
  await expect(chat.rail).toBeHidden();
  await page.getByRole("button", { name: "Chats" }).tap();
  await expect(chat.rail).toBeVisible();
  expect.soft(await smallTargets(page)).toEqual([]);

  await page.getByRole("button", { name: "Close" }).tap();
  await expect(chat.rail).toBeHidden();
  await page.getByRole("button", { name: "Chats" }).tap();
  await chat.rail.locator(`a[href="${samples.rich}"]`).tap();
  await page.waitForURL(CONVERSATION);
  await expect(chat.rail).toBeHidden();
  await expect(chat.answer).toBeVisible();
});

test("a message is sent with the button; Enter begins a line", async ({ chat, page }) => {
  await chat.open();
  await chat.box.tap();
  await chat.box.pressSequentially("one");
  await chat.box.press("Enter");
  await chat.box.pressSequentially("two");
  await expect(chat.box).toHaveValue("one\ntwo");
  await chat.send.tap();
  await page.waitForURL(CONVERSATION);
  await expect(chat.question).toContainText("one");
  expect.soft(await smallTargets(page)).toEqual([]);
  await chat.hush();
  // The composer stays in sight, at the lower edge.
  await expect(chat.box).toBeInViewport({ ratio: 1 });
  await expect(chat.send).toBeInViewport({ ratio: 1 });
});

for (const width of [390, 320]) {
  test.describe(`${width} px`, () => {
    test.use({ viewport: { width, height: 700 } });

    test("a new chat and a conversation fit and can be pressed", async ({ chat, page, samples }) => {
      await chat.open();
      await fits(page);
      expect.soft(await smallTargets(page)).toEqual([]);
      await chat.open(samples.rich);
      await fits(page);
      expect.soft(await smallTargets(page)).toEqual([]);
      await chat.answer.locator("summary").tap();
      await fits(page);
    });

    for (const [person, paths] of [
      [
        "maker",
        ({ agent }: Exhibits) => [
          ...["/agents", "/agents/new", "/agents/import", "/account"],
          ...["", "/versions", "/versions/2", "/numbers"].map((part) => `/agents/${agent}${part}`),
        ],
      ],
      ["admin", ({ user }: Exhibits) => ["/admin", `/admin/users/${user}`, "/admin/audit"]],
      ["demo", ({ agent }: Exhibits) => [placeOf(agent)]],
      [null, ({ agent }: Exhibits) => [placeOf(agent)]],
    ] as const) {
      test.describe(`of ${person ?? "a stranger"}`, () => {
        test.use({ as: person });
        test("the other pages fit", async ({ page, exhibits }) => {
          for (const path of paths(exhibits)) {
            expect((await page.goto(path))?.status(), path).toBe(200);
            await fits(page);
          }
        });
        test("the other pages can be pressed", async ({ page, exhibits }) => {
          for (const path of paths(exhibits)) {
            await page.goto(path);
            expect.soft(await smallTargets(page), path).toEqual([]);
          }
        });
      });
    }

    test("the front door and error pages fit and can be pressed", async ({ page }) => {
      for (const path of ["/", "/nowhere", "/chat/019a0000-0000-7000-8000-000000000001"]) {
        await page.goto(path);
        await fits(page);
        expect.soft(await smallTargets(page)).toEqual([]);
      }
    });
  });
}
