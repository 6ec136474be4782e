// A gateway as a process: started, watched, stopped.

import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const START_MS = 90_000;
const STOP_MS = 20_000;

// ^C doesn't reach a group of its own; what is to happen at the exit ends it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(130));

/** Starts it and waits until it has answered a question; throws with what it said last if it doesn't. */
export async function startGateway(gateway) {
  const file = join(process.env.BENCH_LOGS, `bench-${gateway.name}.log`);
  const log = openSync(file, 'w');
  const [program, ...args] = gateway.command();
  // A group of its own, so that whatever it starts ends with it.
  const child = spawn(program, args, { stdio: ['ignore', log, log], env: gateway.environment, detached: true });
  closeSync(log);
  let failure;
  child.once('error', (error) => (failure = error.message));
  const ended = new Promise((resolve) => child.once('exit', resolve).once('error', resolve));
  const kill = (signal) => {
    try {
      if (child.pid) process.kill(-child.pid, signal);
    } catch {
      // Nothing of the group is left.
    }
  };
  const last = () => kill('SIGKILL');
  process.once('exit', last);
  const stop = async () => {
    kill('SIGTERM');
    await Promise.race([ended, sleep(STOP_MS, undefined, { ref: false })]);
    kill('SIGKILL');
    await ended;
    process.off('exit', last);
  };

  const began = performance.now();
  let answer = 'it did not listen';
  for (;;) {
    const url = gateway.url(readFileSync(file, 'utf8'));
    if (url) answer = await ask(gateway, url);
    if (answer === true) return { pid: child.pid, url, stop };
    if (child.exitCode !== null) failure ??= 'it ended by itself';
    if (failure || performance.now() - began > START_MS) {
      await stop();
      throw new Error(`${failure ?? answer} (its log: ${file})`);
    }
    await sleep(100);
  }
}

/** True if it answers one short question, else why not. */
async function ask({ model, headers }, url) {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: Object.fromEntries([['content-type', 'application/json'], ...headers.map((header) => header.split(/: (.*)/s))]),
      body: JSON.stringify({ model, messages: [{ role: 'user', content: 'hello mock:tokens=1' }] }),
      signal: AbortSignal.timeout(5000),
    });
    const text = await response.text();
    return response.ok || `${response.status} ${text.slice(0, 200)}`;
  } catch (error) {
    return error.cause?.message ?? error.message;
  }
}

/** Waits, up to 15 seconds, until a process has done what an earlier load left it to do. */
export async function settle(pid) {
  for (let i = 0; i < 30; i++) {
    const before = tree(pid).ticks;
    await sleep(500);
    if (tree(pid).ticks - before <= 2) return;
  }
}

/** Of a process and all that come from it: resident memory in bytes, CPU time in hundredths of a second. */
export function tree(root) {
  const all = new Map();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const stat = proc(pid, 'stat').split(') ').at(-1).split(' ');
    all.set(Number(pid), { parent: Number(stat[1]), ticks: Number(stat[11]) + Number(stat[12]) });
  }
  const sum = { bytes: 0, ticks: 0 };
  for (const [pid, { ticks }] of all) {
    let at = pid;
    while (at !== root && at > 1) at = all.get(at)?.parent ?? 0;
    if (at !== root) continue;
    sum.ticks += ticks;
    sum.bytes += 1024 * Number(/VmRSS:\s+(\d+)/.exec(proc(pid, 'status'))?.[1] ?? 0);
  }
  return sum;
}
function proc(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return ''; // It has just ended.
  }
}
