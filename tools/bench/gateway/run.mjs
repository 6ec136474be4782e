// Measures the gateways in turn, the model server itself before and after them, several
// times over; then what an open stream of each holds.
//
//   node run.mjs [--quick] [--only NAME,...]

import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { quiet } from '../app.mjs';
import { DIRECT, GATEWAYS } from './gateways.mjs';
import { FULL, QUICK, open, short, streams, warm } from './load.mjs';
import { settle, startGateway, tree } from './process.mjs';
import { section, table, withSection } from './report.mjs';

const names = GATEWAYS.map((gateway) => gateway.name);
const only = /--only[= ](\S+)/.exec(process.argv.slice(2).join(' '))?.[1].split(',') ?? names;
const unknown = only.filter((name) => !names.includes(name));
if (unknown.length > 0) throw new Error(`unknown: ${unknown.join(', ')}; known are ${names.join(', ')}`);
const isQuick = process.argv.includes('--quick');
const plan = isQuick ? QUICK : FULL;
const say = (text) => console.log(`  ..  ${text}`);

const stores = { postgres: Number(process.env.BENCH_POSTGRES_PID), redis: Number(process.env.BENCH_REDIS_PID) };
const target = ({ model, headers, patience, ours }, url, pid) => ({
  url,
  model,
  headers,
  patience,
  watch: { gateway: pid, mock: Number(process.env.BENCH_MOCK_PID), ...(ours ? stores : {}) },
});

const results = { when: new Date().toISOString().slice(0, 10), rounds: [], open: {}, skipped: {}, quick: isQuick };
let chosen = [];
function skip(gateway, why) {
  say(`without ${gateway.title}: ${why}`);
  results.skipped[gateway.name] = why;
  chosen = chosen.filter((other) => other !== gateway);
}

/** Starts it, calls `measure` and stops it; leaves it out from then on if it doesn't start. */
async function withGateway(gateway, measure) {
  let running;
  try {
    running = await startGateway(gateway);
  } catch (error) {
    return skip(gateway, error.message);
  }
  try {
    return await measure(running, target(gateway, running.url, running.pid));
  } finally {
    await running.stop();
    await sleep(300);
  }
}
const both = async (at) => {
  const done = () => settle(at.watch.gateway ?? at.watch.mock);
  await warm(at);
  await done();
  const ofStreams = await streams(at, plan.streams);
  await done();
  return { streams: ofStreams, short: await short(at, plan.short) };
};

async function opened({ streams: count }, { pid }, at, seconds) {
  // A few only: memory that an earlier load left behind would be used again unseen.
  await open(at, 8, [0.5, 0.5]);
  await settle(pid);
  const atRest = tree(pid).bytes;
  return { atRest, count, ...(await open(at, count, [seconds, 2])) };
}

for (const gateway of GATEWAYS.filter(({ name }) => only.includes(name))) {
  const why = gateway.missing();
  chosen.push(gateway);
  if (why) skip(gateway, why);
}
say('waiting for other programs to be quiet');
results.busyBefore = await quiet(isQuick ? 3 : 40);
const began = performance.now();
for (let i = 0; i < plan.rounds; i++) {
  const round = { before: await both(target(DIRECT, DIRECT.at)), gateways: {} };
  // In another order each time, as what one leaves behind may touch the next.
  const shift = Math.floor((i * chosen.length) / plan.rounds);
  for (const gateway of [...chosen.slice(shift), ...chosen.slice(0, shift)]) {
    say(`round ${i + 1} of ${plan.rounds}: ${gateway.title}`);
    const measured = await withGateway(gateway, (_, at) => both(at));
    if (measured) round.gateways[gateway.name] = measured;
  }
  round.after = await both(target(DIRECT, DIRECT.at));
  results.rounds.push(round);
}
for (const gateway of chosen.filter(({ name }) => name !== 'onelastai-keys')) {
  // On a busy machine it may not get round to all of them in time: once more, slower.
  for (const seconds of [gateway.openSeconds, 3 * gateway.openSeconds]) {
    say(`${gateway.streams} open streams: ${gateway.title}`);
    const measured = await withGateway(gateway, (running, at) => opened(gateway, running, at, seconds));
    if (!measured) break;
    results.open[gateway.name] = measured;
    if (measured.flowing_at_end === measured.count || measured.failed_in_warmup > 0) break;
  }
}
say(`measured in ${Math.round((performance.now() - began) / 1000)} s`);

writeFileSync(process.env.BENCH_RESULTS, JSON.stringify(results, null, 2));
console.log(`\n${table(results)}\n`);
const left = names.filter((name) => !results.open[name] && name !== 'onelastai-keys');
if (!isQuick && left.length === 0) {
  const page = process.env.BENCH_PAGE;
  writeFileSync(page, withSection(readFileSync(page, 'utf8'), section(results)));
} else {
  say(`docs/BENCHMARKS.md is left as it was: ${isQuick ? 'this was a quick run' : `nothing is known of ${left.join(', ')}`}`);
}
