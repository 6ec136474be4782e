// When a person can begin to write: a real key is pressed as soon as the box is on the
// screen, and the clock stops at the first frame that shows its character.

import { baseUrl } from './app.mjs';
import { awake, watchAwake, withPage } from './browser.mjs';

/** Milliseconds from the start of the navigation. */
export function measureComposer(browser, session, slow) {
  return withPage(browser, session, slow, async (page, cdp) => {
    await cdp.send('Runtime.enable');
    await cdp.send('Runtime.addBinding', { name: 'benchPressKey' });
    cdp.on('Runtime.bindingCalled', async ({ name }) => {
      if (name !== 'benchPressKey') return;
      await cdp.send('Input.dispatchKeyEvent', { type: 'keyDown', key: 'x', code: 'KeyX', text: 'x' });
      await cdp.send('Input.dispatchKeyEvent', { type: 'keyUp', key: 'x', code: 'KeyX' });
    });
    await page.addInitScript(watchAwake);
    await page.addInitScript(watchBox);
    await page.goto(`${baseUrl}/chat`, { waitUntil: 'commit' });
    await page.waitForFunction(() => window.bench.usable, null, { polling: 20, timeout: 60_000 });
    await awake(page);
    const times = await page.evaluate(() => ({ usable: bench.usable, awake: bench.awake }));
    if ((await page.locator('#message').inputValue()) !== 'x') throw new Error('what was typed is gone once the island is awake');
    return times;
  });
}

/** In the page. */
function watchBox() {
  const bench = (window.bench ??= {});
  const afterFrame = (then) => requestAnimationFrame(() => setTimeout(then));
  const seen = new MutationObserver(() => {
    const box = document.querySelector('#message');
    if (!box) return;
    seen.disconnect();
    const shows = () => afterFrame(() => (bench.usable = performance.now()));
    box.addEventListener('input', shows, { once: true });
    afterFrame(() => {
      box.focus();
      window.benchPressKey('');
    });
  });
  seen.observe(document, { childList: true, subtree: true });
}
