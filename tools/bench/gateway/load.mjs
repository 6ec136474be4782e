// The loads, the same for every gateway (tools/bench/gwbench has the program that makes them).

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Seconds: not measured, then measured. */
export const FULL = { rounds: 3, streams: [2.2, 6], short: [0.8, 3] };
export const QUICK = { rounds: 1, streams: [1.5, 2.5], short: [0.5, 1.2] };

/** `watch`: pids by name, whose CPU and memory the result tells. */
async function load({ url, model, headers, watch }, [warmup, duration], more) {
  const args = ['--url', url, '--model', model, '--warmup', String(warmup), '--duration', String(duration), ...more];
  for (const header of headers) args.push('--header', header);
  for (const [name, pid] of Object.entries(watch)) if (pid) args.push('--watch', `${name}=${pid}`);
  const { stdout } = await run(process.env.BENCH_LOADGEN, args);
  return JSON.parse(stdout);
}

/** Not measured: connections, caches, whatever is loaded on first use. */
export async function warm(target) {
  const seconds = [0.1, 0.7 * target.patience];
  await load(target, seconds, ['--conc', '16', '--knobs', 'itl_ms=0&tokens=4&chunk_bytes=4']);
  await load(target, seconds, ['--conc', '16', '--knobs', 'itl_ms=0&tokens=20', '--stream']);
}

/** 200 streams at once of 100 tokens each, one every 20 ms. */
export const streams = (target, seconds) =>
  load(target, seconds.map((s) => s * target.patience), ['--stream', '--conc', '200', '--knobs', 'itl_ms=20&tokens=100', '--expect-tokens', '100']);

/** As many short answers as it gives, to 64 clients that each wait for theirs. */
export const short = (target, seconds) =>
  load(target, seconds.map((s) => s * target.patience), ['--conc', '64', '--knobs', 'itl_ms=0&tokens=16&chunk_bytes=4']);

/** `count` streams, opened over the first of `seconds`, that stay open with a token a second each. */
export const open = (target, count, seconds) =>
  load(target, seconds, ['--stream', '--conc', String(count), '--knobs', 'itl_ms=1000&tokens=3600']);
