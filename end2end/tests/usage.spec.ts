// What a person has left of their plan.

import { signIn } from "../support/auth.ts";
import { expect, test } from "../support/fixtures.ts";

test.use({ as: null });

test("the account's page tells what is left of each limit, and a message counts", async ({ chat, page, newcomer }) => {
  const requests = page.locator(".usage-line", { hasText: "Requests today" });
  await signIn(page, newcomer, "/account");
  await expect(page.getByRole("heading", { name: "What you have left" })).toBeVisible();
  await expect(page.locator(".usage-line")).toHaveCount(4);
  // How many the plan has is the operator's to say.
  await expect(requests).toContainText(/([\d,]+) of \1 left/);
  const all = (await requests.innerText()).match(/of ([\d,]+) left/)?.[1] ?? "";
  const fewer = Number(all.replaceAll(",", "")) - 1;
  await chat.begin("One question of many");
  await page.goto("/account");
  const left = `${fewer.toLocaleString("en-US")} of ${all} left, all of it again in `;
  await expect(requests).toContainText(left);
  await expect(requests).toContainText(/again in \d+ (hours|minutes|seconds?)/);
  await expect(requests.locator("meter")).toHaveAttribute("value", String(fewer));
});
