// What a person has left of their plan.

import { signIn } from "../support/auth.ts";
import { expect, test } from "../support/fixtures.ts";

test.use({ as: null });

test("the account's page tells what is left of each limit, and a message counts", async ({ chat, page, newcomer }) => {
  const requests = page.locator(".usage-line", { hasText: "Requests today" });
  await signIn(page, newcomer, "/account");
  await expect(page.getByRole("heading", { name: "What you have left" })).toBeVisible();
  await expect(page.locator(".usage-line")).toHaveCount(4);
  await expect(requests).toContainText("1,000 of 1,000 left");
  await chat.begin("One question of many");
  await page.goto("/account");
  await expect(requests).toContainText(/999 of 1,000 left, all of it again in \d+ (hours|minutes|seconds?)/);
  await expect(requests.locator("meter")).toHaveAttribute("value", "999");
});
