// The results as a table, and as docs/BENCHMARKS.md.
//
//   node report.mjs RESULTS.json     prints the page made of earlier results

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Open WebUI 0.12.4, measured earlier on a machine of this kind; not by this run. */
const OPEN_WEBUI = {
  bytes: '2,731 kB',
  requests: '235',
  usable: { fast: '2.1 s', slowCpu: '4.7 s', slowCpuAndNet: '30 s' },
  busy: { fast: '93%', slowCpu: '98%' },
  serverCpu: '0.95 s',
  idle: '1,177 MB',
  start: '13 s',
};
const UNDER = { fast: '', slowCpu: ', 4× CPU slow-down', slowCpuAndNet: ', 4× CPU slow-down and fast 3G' };

const count = (value) => value.toLocaleString('en-US');
const kB = (bytes) => `${count(Math.round(bytes / 1000))} kB`;
const MB = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
const seconds = (s) => `${s.toFixed(s < 0.1 ? 3 : 2)} s`;
const percent = (share) => `${(share * 100).toFixed(1)}%`;
const ms = (value) => `${value.toFixed(1)} ms`;
const mean = (values) => values.reduce((sum, value) => sum + value) / values.length;
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** One row for each figure: the value and how to print it, the most it may be and that in words. */
function rows({ server, visit, entrance, composer, answer }) {
  const all = [];
  const row = (what, value, show, target, peer, note = '') => all.push({ what, value, show, target, peer, note });
  if (visit) {
    row('First visit: bytes over the wire', visit.bytes, kB, [300_000, '300 kB'], OPEN_WEBUI.bytes);
    row('First visit: requests', visit.requests, count, [12, '12'], OPEN_WEBUI.requests);
  }
  if (entrance) {
    const times = entrance.map((run) => run.ms);
    row("Agent's own host, signed in elsewhere", median(times), ms, [300, '300 ms'], undefined, ` (worst ${ms(Math.max(...times))})`);
    row("Agent's own host: redirects", Math.max(...entrance.map((run) => run.redirects)), count, [2, '2']);
  }
  const at = { fast: [0.3, '0.3 s'], slowCpu: [0.8, '0.8 s'], slowCpuAndNet: [3, '3 s'] };
  for (const [speed, runs] of Object.entries(composer ?? {})) {
    const of = (what) => median(runs.map((run) => run[what])) / 1000;
    row(`Message box usable${UNDER[speed]}`, of('usable'), seconds, at[speed], OPEN_WEBUI.usable[speed]);
    row(`Island awake${UNDER[speed]}`, of('awake'), seconds);
  }
  const busy = { fast: [0.1, '10%'], slowCpu: [0.35, '35%'] };
  const task = { fast: [16, '16 ms'], slowCpu: [50, '50 ms'] };
  for (const speed of answer ? Object.keys(busy) : []) {
    const runs = answer[speed];
    const longest = runs.map((run) => run.longestMs);
    row(`1,000 tokens: main thread busy${UNDER[speed]}`, median(runs.map((run) => run.busy)), percent, busy[speed], OPEN_WEBUI.busy[speed]);
    row(`1,000 tokens: longest task${UNDER[speed]}`, median(longest), ms, task[speed], undefined, ` (worst ${ms(Math.max(...longest))})`);
  }
  if (answer) {
    row('1,000 tokens: CPU time of the server', mean([...answer.fast, ...answer.slowCpu].map((run) => run.serverCpu)), seconds, [0.1, '0.1 s'], OPEN_WEBUI.serverCpu);
  }
  if (server) {
    row('Server at rest: memory', server.idleBytes, MB, [50e6, '50 MB'], OPEN_WEBUI.idle);
    row('Server: start until ready', median(server.startMs) / 1000, seconds, [0.5, '0.5 s'], OPEN_WEBUI.start);
  }
  if (answer) row('Server at rest after all this: memory', answer.restBytes, MB);
  return all.map(({ what, value, show, target, peer, note }) => [
    what,
    show(value) + note,
    target ? `≤ ${target[1]}` : '–',
    target ? (value <= target[0] ? 'yes' : '**no**') : '',
    peer ?? '–',
  ]);
}

const HEAD = ['what', 'OneLastAI', 'target', 'reached', 'Open WebUI 0.12.4, earlier'];

/** For a terminal. */
export function table(results) {
  const lines = [HEAD, ...rows(results)].map((cells) => cells.map((cell) => cell.replaceAll('**', '')));
  const widths = HEAD.map((_, i) => Math.max(...lines.map((cells) => cells[i].length)));
  return lines.map((cells) => `  ${cells.map((cell, i) => cell.padEnd(widths[i])).join('  ')}`.trimEnd()).join('\n');
}

/** docs/BENCHMARKS.md. */
export function page(results) {
  const markdown = (cells) => `| ${cells.join(' | ')} |`;
  const figures = rows(results);
  const missed = figures.filter((cells) => cells[3] === '**no**').length;
  const aims = figures.filter((cells) => cells[2] !== '–').length;
  const kinds = Object.entries(results.visit.kinds).sort(([, a], [, b]) => b.bytes - a.bytes);
  return `# Measured

Written by \`./dev bench\` on ${results.when}: ${missed === 0 ? `all ${aims} targets are reached` : `${aims - missed} of ${aims} targets are reached`}.

${markdown(HEAD)}
|---|---:|---:|---|---:|
${figures.map(markdown).join('\n')}

The last column is not from this run: Open WebUI as it is shipped (SQLite, one worker) was measured earlier on a machine of this kind. It is there for the order of magnitude.

What the first visit loads, as compressed, with headers:

| kind | bytes | requests |
|---|---:|---:|
${kinds.map(([kind, { bytes, requests }]) => markdown([kind, count(bytes), requests])).join('\n')}

## How

One machine with 2 cores and Debian 12 runs everything: ${results.browser} (headless, no GPU), the release build of the app, PostgreSQL (with fsync and synchronous commits), Redis, Keycloak and a paced model server (tools/bench/gwbench). Everything goes over the loopback interface. Other programs used ${percent(results.busyBefore)} of the two cores when the run began. The database starts with the sample data only. Figures in seconds, milliseconds and percent are medians of ${results.rounds} where not said otherwise; kB and MB are powers of ten.

- **First visit**: \`/chat\`, signed in, nothing cached. DevTools' \`encodedDataLength\` of every request until a second passes with nothing on its way after the island is awake and the fonts are there.
- **Message box usable**: from the start of the navigation until the first frame that shows a typed character. A real key is pressed in the first frame that shows the box. Nothing is cached. The slow-downs are those of DevTools: 4× on the CPU; "fast 3G" is 1.44 Mbit/s down, 675 kbit/s up and 562.5 ms of latency for each request. What was typed must still be there when the island is awake.
- **Island awake**: until script takes over the form's submit event, so that sending needs no reload. Before that, sending works as a plain form.
- **1,000 tokens**: the second answer of a conversation, because the first also asks for a title. The model server sends a token of 20 bytes every 10 ms, 20 kB in all, as one paragraph: nothing of it is finished until the end, the hardest case for the renderer. *Busy* is the time in tasks of the page's main thread, from the moment the answer appears on the page to its last word, as a share of that time; *longest task* is the longest one in it, the median of the runs and the worst. Both come from a trace, which itself costs a little.
- **CPU time of the server**: user and system time of the app's process from just before the question is sent until half a second after the last word, with everything it writes to PostgreSQL and Redis; mean of the ${2 * results.rounds} answers.
- **Memory**: resident memory (VmRSS) ten seconds after it was ready, before the first request, and ten seconds after all the answers.
- **Start**: from exec until \`/health/ready\` says 200, with the database migrated and all servers up.
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.stdout.write(page(JSON.parse(readFileSync(process.argv[2], 'utf8'))));
}
