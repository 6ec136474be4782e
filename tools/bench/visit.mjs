// The first visit: everything that comes over the wire until the page is at rest.

import { setTimeout as sleep } from 'node:timers/promises';
import { baseUrl } from './app.mjs';
import { awake, watchAwake, withPage } from './browser.mjs';

/** Bytes and requests by kind; responses with their headers, as they were compressed. */
export function measureVisit(browser, session) {
  return withPage(browser, session, { cpu: 1 }, async (page, cdp) => {
    const open = new Map();
    const done = [];
    cdp.on('Network.requestWillBeSent', ({ requestId, request, type }) => open.set(requestId, { url: request.url, type }));
    cdp.on('Network.requestServedFromCache', ({ requestId }) => open.delete(requestId));
    cdp.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
      if (open.has(requestId)) done.push({ ...open.get(requestId), bytes: encodedDataLength });
      open.delete(requestId);
    });
    cdp.on('Network.loadingFailed', ({ requestId, errorText }) => {
      done.push({ ...open.get(requestId), bytes: 0, failed: errorText });
      open.delete(requestId);
    });
    await page.addInitScript(watchAwake);
    await page.goto(`${baseUrl}/chat`);
    await awake(page);
    await page.evaluate(() => document.fonts.ready.then(() => undefined));
    do await sleep(1000);
    while (open.size > 0);
    const kinds = {};
    for (const { url, type, bytes } of done) {
      const kind = url.endsWith('.wasm') ? 'WebAssembly' : type;
      kinds[kind] ??= { bytes: 0, requests: 0 };
      kinds[kind].bytes += bytes;
      kinds[kind].requests += 1;
    }
    const failed = done.filter((request) => request.failed);
    if (failed.length > 0) throw new Error(`requests failed: ${JSON.stringify(failed)}`);
    return { bytes: done.reduce((sum, { bytes }) => sum + bytes, 0), requests: done.length, kinds };
  });
}
