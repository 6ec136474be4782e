// Looking at a page as people do: in light and dark, as wide as a desk's and a phone's.

import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";

import { expect, test } from "./fixtures.ts";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const DESK = { width: 1280, height: 800 };
const SIZES = [DESK, { width: 390, height: 844 }];

/** What axe has against the page, one line each. */
async function violations(page: Page): Promise<string[]> {
  // No page has frames, for which alone another blank page would be opened and filled with axe.
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().withTags(TAGS).analyze();
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map((node) => `${id} (${help}): ${node.target.join(" ")}`),
  );
}

/** How far the page can be scrolled to the side. What is wide has to scroll by itself. */
async function sideways(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** Keeps a picture of the page as it is now. */
export async function picture(page: Page, name: string): Promise<void> {
  const path = `test-results/screens/${name}.png`;
  const body = await page.screenshot({ path });
  await test.info().attach(name, { body, contentType: "image/png" });
}

/** Looks at the page in every light and size; it is light and as wide as a desk again afterwards. */
export async function look(page: Page, name: string): Promise<void> {
  for (const viewport of SIZES) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ["dark", "light"] as const) {
      await page.emulateMedia({ colorScheme });
      const view = `${name}-${colorScheme}-${viewport.width}`;
      await picture(page, view);
      expect.soft(await violations(page), view).toEqual([]);
    }
    expect.soft(await sideways(page), `${name}, ${viewport.width} px`).toBe(0);
  }
  await page.setViewportSize(DESK);
}
