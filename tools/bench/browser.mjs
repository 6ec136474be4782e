// Chromium: signed in, with an empty cache for each visit, and slowed down where asked.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { baseUrl } from './app.mjs';

const { chromium } = createRequire(new URL('../../end2end/package.json', import.meta.url))('@playwright/test');

/** DevTools' "Fast 3G" (now called "Slow 4G"), per second and in ms. */
const FAST_3G = {
  offline: false,
  downloadThroughput: ((1.6 * 1000 * 1000) / 8) * 0.9,
  uploadThroughput: ((750 * 1000) / 8) * 0.9,
  latency: 150 * 3.75,
};

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
    ],
  });

/** Signs `demo` in by Keycloak's own page; the cookies that came of it. */
export async function signIn(browser) {
  const accounts = JSON.parse(readFileSync(process.env.E2E_ACCOUNTS, 'utf8'));
  const { username, password } = accounts.find((account) => account.username === 'demo');
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${baseUrl}/auth/login?return_to=/chat`);
  await page.locator('#username').fill(username);
  await page.locator('#password').fill(password);
  await page.locator('#kc-login').click();
  await page.locator('#message').waitFor();
  const state = await context.storageState();
  await context.close();
  return state;
}

/**
 * Runs `use(page, cdp)` in a page of its own, with nothing cached.
 * `slow.cpu` is the slow-down of the renderer, `slow.net` whether the network is Fast 3G.
 */
export async function withPage(browser, session, slow, use) {
  const context = await browser.newContext({ storageState: session, viewport: { width: 1280, height: 800 } });
  try {
    const page = await context.newPage();
    const cdp = await context.newCDPSession(page);
    await cdp.send('Network.enable');
    if (slow.net) await cdp.send('Network.emulateNetworkConditions', FAST_3G);
    if (slow.cpu > 1) await cdp.send('Emulation.setCPUThrottlingRate', { rate: slow.cpu });
    return await use(page, cdp);
  } finally {
    await context.close();
  }
}

/** In the page: `bench.awake` becomes the time when script takes over the forms. */
export function watchAwake() {
  const bench = (window.bench ??= {});
  const look = () => {
    // Without a running answer this form stops nothing; script claims its event all the same.
    const event = new SubmitEvent('submit', { bubbles: true, cancelable: true });
    const form = document.querySelector('#stop');
    if (form && !form.dispatchEvent(event)) bench.awake = performance.now();
    else setTimeout(look, 4);
  };
  look();
}

export const awake = (page) => page.waitForFunction(() => window.bench.awake, null, { polling: 20, timeout: 60_000 });
