// A gateway as a process: started, watched, stopped.

import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const START_MS = 90_000;
const STOP_MS = 20_000;

/** Starts it and waits until it has answered a question; throws with what it said last if it doesn't. */
export async function startGateway(gateway) {
  const file = join(process.env.BENCH_LOGS, `bench-${gateway.name}.log`);
  const log = openSync(file, 'w');
  const [program, ...args] = gateway.command();
  const environment = { ...process.env, ...gateway.environment };
  for (const name of Object.keys(environment)) if (environment[name] === undefined) delete environment[name];
  // A group of its own, so that whatever it starts ends with it.
  const child = spawn(program, args, { stdio: ['ignore', log, log], env: environment, detached: true });
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
    if (answer === true) return { pid: child.pid, url, stop, resident: () => resident(child.pid) };
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

/** Resident memory in bytes of a process and all that come from it. */
function resident(root) {
  const parents = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      parents.set(Number(name), Number(readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').at(-1).split(' ')[1]));
    } catch {
      // It has just ended.
    }
  }
  let bytes = 0;
  for (const pid of parents.keys()) {
    let at = pid;
    while (at !== root && at > 1) at = parents.get(at) ?? 0;
    if (at === root) bytes += 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  }
  return bytes;
}
