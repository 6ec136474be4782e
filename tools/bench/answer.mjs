// An answer of 1,000 tokens at 100 a second: how busy the page's main thread is while it
// grows, its longest task, and the app's CPU time.

import { setTimeout as sleep } from 'node:timers/promises';
import { baseUrl } from './app.mjs';
import { awake, watchAwake, withPage } from './browser.mjs';

const TRACE = ['disabled-by-default-devtools.timeline', 'blink.user_timing'];
const QUESTION = 'Please answer at length. mock:itl_ms=10&tokens=1000';

export function measureAnswer(browser, session, app, slow) {
  return withPage(browser, session, { cpu: 1 }, async (page, cdp) => {
    await page.addInitScript(watchAwake);
    await page.goto(`${baseUrl}/chat`);
    await awake(page);
    // The first answer of a conversation also has a title made; that is not measured.
    await page.locator('#message').fill('Hello');
    await page.keyboard.press('Enter');
    await page.locator('.message.agent[data-state=complete]').waitFor();
    await sleep(1500);

    await page.evaluate(markAnswer);
    await page.locator('#message').fill(QUESTION);
    await cdp.send('Emulation.setCPUThrottlingRate', { rate: slow.cpu });
    await sleep(500);
    await browser.startTracing(page, { categories: TRACE });
    const cpuBefore = app.cpu();
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => window.bench.state, null, { polling: 250, timeout: 120_000 });
    await sleep(500);
    const serverCpu = app.cpu() - cpuBefore;
    const trace = JSON.parse(await browser.stopTracing());
    const state = await page.evaluate(() => window.bench.state);
    if (state !== 'complete') throw new Error(`the answer ended as ${state}`);
    return { serverCpu, ...mainThread(trace.traceEvents) };
  });
}

/** In the page: marks when the next answer appears and when it has its last word. */
function markAnswer() {
  const ended = new MutationObserver(([{ target }]) => {
    if (target.dataset.state === 'generating') return;
    performance.mark('bench-end');
    window.bench.state = target.dataset.state;
  });
  new MutationObserver((changes) => {
    for (const article of changes.flatMap((change) => [...change.addedNodes])) {
      if (article.dataset?.state !== 'generating') continue;
      performance.mark('bench-start');
      ended.observe(article, { attributeFilter: ['data-state'] });
    }
  }).observe(document.querySelector('#messages'), { childList: true });
}

/** From a trace: what the thread with our marks did between them. Times in the trace are in µs. */
function mainThread(events) {
  const start = events.find((event) => event.name === 'bench-start');
  const end = events.find((event) => event.name === 'bench-end');
  let busy = 0;
  let longest = 0;
  let tasks = 0;
  for (const { name, ph, pid, tid, ts, dur } of events) {
    if (pid !== start.pid || tid !== start.tid || name !== 'RunTask' || ph !== 'X') continue;
    const inside = Math.min(ts + dur, end.ts) - Math.max(ts, start.ts);
    if (inside <= 0) continue;
    busy += inside;
    longest = Math.max(longest, dur);
    tasks += 1;
  }
  if (tasks === 0) throw new Error('no tasks in the trace');
  const seconds = (end.ts - start.ts) / 1e6;
  return { seconds, busy: busy / (end.ts - start.ts), longestMs: longest / 1000 };
}
