// The results as a table, and as a section of docs/BENCHMARKS.md.
//
//   node report.mjs RESULTS.json     prints the section made of earlier results

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { figures, others, targets } from './figures.mjs';
import { FULL, QUICK } from './load.mjs';

const BEGIN = '<!-- ./dev bench gateway -->';
const END = '<!-- the end of ./dev bench gateway -->';

const HEAD = ['gateway', 'CPU s for a million chunks', 'its stores', 'added to the first token', 'short requests a second', 'memory of an open stream', 'errors'];
const count = (value) => Math.round(value).toLocaleString('en-US');
const or = (value, show) => (value === undefined ? '–' : show(value));
const signed = (value) => value.toFixed(2).replace('-', '−');

function rows({ direct, all }) {
  return [
    [direct.title, '–', '–', `(${or(direct.first, signed)} ms)`, count(direct.rate), '–', count(direct.errors)],
    ...all.map((figure) => [
      figure.title,
      or(figure.cpu, (cpu) => cpu.toFixed(1)),
      or(figure.stores, (cpu) => cpu.toFixed(1)),
      or(figure.added, (ms) => `${signed(ms)} ms`),
      or(figure.rate, count),
      or(figure.stream, (bytes) => `${(bytes / 1000).toFixed(1)} kB of ${count(figure.count)}`),
      count(figure.errors + figure.waiting),
    ]),
  ];
}
const judged = (list) => list.map(([what, value, target, reached]) => [what, value, target, reached ? 'yes' : '**no**']);
const TARGETS = ['target', 'OneLastAI', 'wanted', 'reached'];

/** For a terminal. */
export function table(results) {
  const known = figures(results);
  const draw = (head, body) => {
    const lines = [head, ...body].map((cells) => cells.map((cell) => cell.replaceAll('**', '')));
    const widths = head.map((_, i) => Math.max(...lines.map((cells) => cells[i].length)));
    return lines.map((cells) => `  ${cells.map((cell, i) => cell.padEnd(widths[i])).join('  ')}`.trimEnd()).join('\n');
  };
  const judgements = judged(targets(known));
  const busy = others(results);
  return [
    draw(HEAD, rows(known)),
    ...(judgements.length > 0 ? [draw(TARGETS, judgements)] : []),
    `  Other programs used ${busy.median.toFixed(2)} cores (at most ${busy.most.toFixed(2)}) meanwhile.`,
  ].join('\n\n');
}

/** For docs/BENCHMARKS.md. */
export function section(results) {
  const known = figures(results);
  const markdown = (cells) => `| ${cells.join(' | ')} |`;
  const judgements = judged(targets(known));
  const missed = judgements.filter((cells) => cells[3] !== 'yes').length;
  const busy = others(results);
  const seconds = results.quick ? QUICK : FULL;
  const skipped = Object.keys(results.skipped);
  return `${BEGIN}
## The API as a gateway

Written by \`./dev bench gateway\` on ${results.when}: ${missed === 0 ? `all ${judgements.length} targets are reached` : `${judgements.length - missed} of ${judgements.length} targets are reached`}.

${markdown(HEAD)}
|---|---:|---:|---:|---:|---:|---:|
${rows(known).map(markdown).join('\n')}

${markdown(TARGETS)}
|---|---:|---:|---|
${judgements.map(markdown).join('\n')}

All in one run, on the machine described above, on the loopback interface, with one load generator and one paced model server (tools/bench/gwbench), which share the two cores with whatever is measured. Each gateway is started, warmed, measured and stopped, one after the other, in another order each time; medians of ${results.rounds.length}. The model server itself is measured before and after. Other programs used ${busy.median.toFixed(2)} cores meanwhile, at most ${busy.most.toFixed(2)}.${skipped.length > 0 ? ` Not measured: ${skipped.join(', ')}.` : ''}

- **OneLastAI**: the release build, with API keys, limits, usage and everything written to PostgreSQL (with fsync and synchronous commits) and Redis. *Its stores* is what these two used meanwhile. With both protocols behind it, the worse one counts for a target.
- **nginx**: \`proxy_buffering off\`, connections to the model kept, no access log. **LiteLLM**: one worker, as its production page recommends for each machine, its production settings, a master key, no database. **TensorZero**: its HTTP gateway as its Python package starts it, nothing stored, no keys. **vllm-router**: as it comes. None of them keeps anything.
- **CPU for a million chunks, added to the first token**: 200 streams at once of 100 tokens, one every 20 ms, for ${seconds.streams[1]} s. CPU is that of the gateway's processes. Added is the median time to the first token less that of the model server itself in the same round.
- **Short requests**: 64 clients ask for 16 tokens, not streamed, each when it has its answer, for ${seconds.short[1]} s.
- **Memory of an open stream**: resident memory with that many streams open, each with a token a second, less that before, in a process that has served a few requests; one measurement. kB are powers of ten. LiteLLM opens at most 500 connections to a model, so it gets fewer, and its runs are longer.
- **Errors**: failed or broken answers, a wrong number of tokens, and streams that were to be open and had no token, in all runs together.
${END}
`;
}

/** `page` with this section in the place of the old one, or at its end. */
export function withSection(page, text) {
  const at = page.indexOf(BEGIN);
  if (at < 0) return text ? `${page.trimEnd()}\n\n${text}` : page;
  const rest = page.slice(page.indexOf(END, at) + END.length).replace(/^\n/, '');
  return page.slice(0, at) + text + rest;
}
/** The section of a page, if it has one. */
export function sectionOf(page) {
  const at = page.indexOf(BEGIN);
  return at < 0 ? '' : `${page.slice(at, page.indexOf(END, at) + END.length)}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.stdout.write(section(JSON.parse(readFileSync(process.argv[2], 'utf8'))));
}
