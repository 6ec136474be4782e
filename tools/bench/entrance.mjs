// An agent's own host, opened by a browser that is signed in at the main host only: from the
// address to the end of the page's HTML, with the redirects in between.

import { baseUrl } from './app.mjs';
import { withPage } from './browser.mjs';

const AGENT = 'companion';

export function measureEntrance(browser, session) {
  const address = baseUrl.replace('//', `//${AGENT}.`);
  return withPage(browser, session, { cpu: 1 }, async (page) => {
    const answers = [];
    page.on('response', (response) => {
      if (response.request().isNavigationRequest()) answers.push(response.status());
    });
    const began = performance.now();
    const answer = await page.goto(`${address}/`, { waitUntil: 'commit' });
    await answer.finished();
    const opened = performance.now() - began;
    if (answers.at(-1) !== 200 || (await page.locator('#message').count()) !== 1) {
      throw new Error(`the agent's host answered ${answers}`);
    }
    return { ms: opened, redirects: answers.length - 1 };
  });
}
