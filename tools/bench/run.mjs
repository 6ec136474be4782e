// Measures the parts that were asked for (default: all), one after the other.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { measureAnswer } from './answer.mjs';
import { quiet, startApp } from './app.mjs';
import { launch, signIn } from './browser.mjs';
import { measureComposer } from './composer.mjs';
import { measureEntrance } from './entrance.mjs';
import { sectionOf, withSection } from './gateway/report.mjs';
import { page, table } from './report.mjs';
import { measureVisit } from './visit.mjs';

const ROUNDS = 5;
const SPEEDS = {
  fast: { cpu: 1 },
  slowCpu: { cpu: 4 },
  slowCpuAndNet: { cpu: 4, net: true },
};
const PARTS = ['server', 'visit', 'entrance', 'composer', 'answer'];

const wanted = process.argv.length > 2 ? process.argv.slice(2) : PARTS;
const does = (part) => wanted.includes(part);
const say = (text) => console.log(`  ..  ${text}`);
say('waiting for other programs to be quiet');
const results = { rounds: ROUNDS, when: new Date().toISOString().slice(0, 10), busyBefore: await quiet() };
if (results.busyBefore > 0.05) say(`other programs use ${Math.round(results.busyBefore * 100)}% of this machine: the numbers will be worse than they should`);

async function rounds(name, once) {
  say(`${name}, ${ROUNDS} times`);
  const all = [];
  for (let i = 0; i < ROUNDS; i++) all.push(await once());
  return all;
}

if (does('server')) {
  const startMs = await rounds('starting the app', async () => {
    const app = await startApp();
    await app.stop();
    return app.readyMs;
  });
  say('10 seconds at rest');
  const app = await startApp();
  await sleep(10_000);
  results.server = { startMs, idleBytes: app.rss() };
  await app.stop();
}

const app = await startApp();
const browser = await launch();
results.browser = `Chromium ${browser.version().split('.')[0]}`;
const session = await signIn(browser);
if (does('visit')) {
  say('the first visit');
  results.visit = await measureVisit(browser, session);
}
if (does('entrance')) {
  results.entrance = await rounds("an agent's own host", () => measureEntrance(browser, session));
}
if (does('composer')) {
  results.composer = {};
  for (const [name, slow] of Object.entries(SPEEDS)) {
    results.composer[name] = await rounds(`the message box (${name})`, () => measureComposer(browser, session, slow));
  }
}
if (does('answer')) {
  results.answer = {};
  for (const [name, slow] of Object.entries({ fast: SPEEDS.fast, slowCpu: SPEEDS.slowCpu })) {
    results.answer[name] = await rounds(`1,000 tokens (${name})`, () => measureAnswer(browser, session, app, slow));
  }
  await sleep(10_000);
  results.answer.restBytes = app.rss();
}
await browser.close();
await app.stop();

writeFileSync(process.env.BENCH_RESULTS, JSON.stringify(results, null, 2));
console.log(`\n${table(results)}\n`);
if (PARTS.every(does)) {
  // The gateways' section stays as their own run wrote it.
  const file = process.env.BENCH_PAGE;
  const gateways = existsSync(file) ? sectionOf(readFileSync(file, 'utf8')) : '';
  writeFileSync(file, withSection(page(results), gateways));
}
