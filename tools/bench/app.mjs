// The app as a process: started, watched, stopped.

import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const TICKS_PER_SECOND = 100; // of /proc/PID/stat, on every Linux that people run

export const baseUrl = process.env.BASE_URL;

/** Starts the app; `readyMs` is the time until /health/ready said 200. */
export async function startApp() {
  const log = openSync(process.env.BENCH_LOG, 'a');
  const began = performance.now();
  const child = spawn(process.env.BENCH_PROGRAM, ['serve'], { stdio: ['ignore', log, log] });
  closeSync(log);
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  while (!(await ready())) {
    if (child.exitCode !== null) throw new Error('the app ended by itself; see .dev/log/bench-app.log');
    if (performance.now() - began > 60_000) throw new Error('the app did not get ready');
    await sleep(2);
  }
  return {
    readyMs: performance.now() - began,
    /** Resident memory in bytes. */
    rss: () => 1024 * Number(/VmRSS:\s+(\d+)/.exec(proc(child.pid, 'status'))[1]),
    /** CPU time used so far, in seconds, to the nearest 10 ms. */
    cpu: () => {
      // The fields after the program's name: utime and stime are the 14th and 15th in all.
      const fields = proc(child.pid, 'stat').split(') ')[1].split(' ');
      return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    },
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
      process.off('exit', kill);
    },
  };
}

/** Waits up to `tries` × 3 seconds for other programs to be quiet; the share of all cores that they use. */
export async function quiet(tries = 40) {
  const read = () => readFileSync('/proc/stat', 'utf8').split('\n')[0].trim().split(/\s+/).slice(1, 9).map(Number);
  let busy = 1;
  for (let i = 0; i < tries && busy > 0.03; i++) {
    const before = read();
    await sleep(3000);
    const spent = read().map((value, i) => value - before[i]);
    busy = 1 - (spent[3] + spent[4]) / spent.reduce((sum, value) => sum + value);
  }
  return busy;
}

const proc = (pid, file) => readFileSync(`/proc/${pid}/${file}`, 'utf8');

function ready() {
  return new Promise((resolve) => {
    http
      .get(new URL('/health/ready', `http://${process.env.BIND_ADDRESS}`), (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      })
      .on('error', () => resolve(false));
  });
}
