// How the browser tests run. `./dev test e2e` gives them an app of their own and the
// environment (tools/env.sh); nothing here names a machine.

import { existsSync } from "node:fs";

import { defineConfig } from "@playwright/test";

import { BASE_URL } from "./support/environment.ts";

// Chromium without the windows that nobody sees, as Playwright itself prefers it: a third less time.
const SHELL = "/usr/bin/chromium-headless-shell";
const CHROMIUM = process.env.CHROMIUM ?? (existsSync(SHELL) ? SHELL : "/usr/bin/chromium");

// What asks no model and ends nobody's sessions but its own.
const QUIET = ["admin.spec.ts", "keys.spec.ts", "pages.spec.ts", "sessions.spec.ts"];

export default defineConfig({
  testDir: "tests",
  outputDir: "test-results",
  // The journeys share their people, and a model that writes one answer at a time, so they take
  // turns. Beside them run tests that need neither.
  workers: 2,
  fullyParallel: false,
  projects: [
    { name: "people", testMatch: "people.setup.ts" },
    { name: "quiet", testMatch: QUIET, dependencies: ["people"], workers: 1 },
    { name: "journeys", testIgnore: QUIET, dependencies: ["people"], workers: 1 },
  ],
  // A test that only passes the second time has found something.
  retries: 0,
  forbidOnly: process.env.CI === "true",
  // Long answers take ten seconds, the first of all also waits for the model to load.
  timeout: 120_000,
  expect: { timeout: 10_000 },
  reporter: [["list"], ["html", { outputFolder: "report", open: "never" }]],
  use: {
    baseURL: BASE_URL,
    browserName: "chromium",
    viewport: { width: 1280, height: 800 },
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    actionTimeout: 10_000,
    navigationTimeout: 20_000,
    screenshot: "only-on-failure",
    // One is made with --trace on: writing them along took an eighth of the time.
    trace: "off",
    launchOptions: {
      executablePath: CHROMIUM,
      args: [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
