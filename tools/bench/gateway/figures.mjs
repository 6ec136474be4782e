// From what the load generator said to one figure each, and whether the targets are reached.

import { DIRECT, GATEWAYS } from './gateways.mjs';

const MIB = 1024 * 1024;
const WITH_KEYS = 'onelastai-keys';

/** Undefined where there is nothing to take it of. */
export function median(values) {
  const sorted = values.filter((value) => Number.isFinite(value)).sort((a, b) => a - b);
  if (sorted.length === 0) return undefined;
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
}
const failures = (...runs) => runs.reduce((sum, run) => sum + run.failed + run.failed_in_warmup, 0);
const first = (run) => run.streams.ttft_ms?.p50;
const directFirst = ({ before, after }) => (first(before) + first(after)) / 2;

/**
 * One entry for each gateway that ran: `cpu` and `stores` in CPU seconds for a million chunks,
 * `added` in ms to the first token, `rate` in short requests a second, `stream` in resident bytes
 * of one of `count` open streams, `errors` of all runs together.
 */
export function figures({ rounds, open }) {
  const all = GATEWAYS.map((gateway) => {
    const runs = rounds.filter((round) => round.gateways[gateway.name]).map((round) => ({ round, ...round.gateways[gateway.name] }));
    const perMillion = (...names) => median(runs.map(({ streams }) => names.reduce((sum, name) => sum + (streams.processes[name]?.cpu_s_per_1m_chunks ?? 0), 0)));
    const held = open[gateway.name];
    return {
      name: gateway.name,
      title: gateway.title,
      ours: gateway.ours,
      ran: runs.length > 0,
      cpu: perMillion('gateway'),
      stores: gateway.ours ? perMillion('postgres', 'redis') : undefined,
      added: median(runs.map((run) => first(run) - directFirst(run.round))),
      rate: median(runs.map(({ short }) => short.requests_per_s)),
      stream: held && (held.processes.gateway.rss_mib * MIB - held.atRest) / held.count,
      count: held?.count,
      // A stream that has had no token waits in the gateway: it isn't open.
      waiting: held ? held.count - held.flowing_at_end : 0,
      errors: failures(...runs.flatMap(({ streams, short }) => [streams, short]), ...(held ? [held] : [])),
    };
  }).filter(({ ran }) => ran);
  const directs = rounds.flatMap(({ before, after }) => [before, after]);
  const direct = {
    name: DIRECT.name,
    title: DIRECT.title,
    first: median(directs.map(first)),
    rate: median(directs.map(({ short }) => short.requests_per_s)),
    errors: failures(...directs.flatMap(({ streams, short }) => [streams, short])),
  };
  return { direct, all };
}

/** The most and the median of the cores that other programs used during the runs. */
export function others({ rounds, open }) {
  const busy = [
    ...rounds.flatMap(({ before, after, gateways }) => [before, after, ...Object.values(gateways)].flatMap(({ streams, short }) => [streams, short])),
    ...Object.values(open),
  ].map((run) => run.other_cores_busy);
  return { most: Math.max(...busy), median: median(busy) };
}

/** Each target that can be judged: what, the value, the target, whether it is reached. */
export function targets({ all }) {
  const of = (name) => all.find((figure) => figure.name === name);
  const [nginx, litellm, tensorzero, keys, few] = ['nginx', 'litellm', 'tensorzero', WITH_KEYS, 'onelastai'].map(of);
  const ours = all.filter((figure) => figure.ours && figure.name !== WITH_KEYS);
  const list = [];
  // With both protocols behind us the worse one counts.
  const ratio = (what, value, peer, limit, worst) => {
    if (ours.length === 0 || !peer || peer[value] === undefined) return;
    const times = worst(...ours.map((figure) => figure[value])) / peer[value];
    const most = worst === Math.max;
    list.push([`${what}, against ${peer.title.split(/[ ,]/)[0]}`, `${times.toFixed(2)} ×`, `${most ? '≤' : '≥'} ${limit} ×`, most ? times <= limit : times >= limit]);
  };
  ratio('CPU for each chunk', 'cpu', nginx, 2, Math.max);
  ratio('Added to the first token', 'added', tensorzero, 1.5, Math.max);
  ratio('Short requests', 'rate', tensorzero, 1, Math.min);
  ratio('Short requests', 'rate', litellm, 30, Math.min);
  const held = ours.filter(({ stream }) => stream !== undefined);
  if (held.length > 0) {
    const most = Math.max(...held.map(({ stream }) => stream));
    const count = Math.min(...held.map((figure) => figure.count));
    const lost = held.reduce((sum, { errors, waiting }) => sum + errors + waiting, 0);
    list.push([`${count.toLocaleString('en-US')} streams open at once`, `${(most / 1000).toFixed(1)} kB each, ${lost} errors`, '5,000; ≤ 30 kB each, no error', count >= 5000 && most <= 30_000 && lost === 0]);
  }
  if (keys && few) {
    const more = (value) => keys[value] / few[value] - 1;
    const percent = (share) => `${share < 0 ? '−' : '+'}${Math.abs(share * 100).toFixed(0)}%`;
    const later = keys.added - few.added;
    list.push([
      '100,000 keys and people more: CPU, first token, short requests',
      `${percent(more('cpu'))}, ${later < 0 ? '−' : '+'}${Math.abs(later).toFixed(2)} ms, ${percent(more('rate'))}`,
      'within 10%, 0.1 ms, 10%',
      more('cpu') <= 0.1 && later <= 0.1 && more('rate') >= -0.1,
    ]);
  }
  return list;
}
