// What is compared, and how each is started. All pass requests on to the same paced model
// server, on their own, one after the other.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const HERE = import.meta.dirname;
const WORK = process.env.BENCH_WORK;
const MODEL = process.env.BENCH_MODEL_ADDRESS; // host:port of the paced model server
const LISTEN = process.env.BENCH_GATEWAY_ADDRESS ?? ''; // host:port for whichever gateway runs
const [HOST, PORT] = LISTEN.split(':');
const CHAT = '/v1/chat/completions';
/** As many as the limits of the machine let one process hold, both sides counted. */
export const STREAMS = Math.min(5000, Math.floor((Number(process.env.BENCH_FILES) - 500) / 2));

/** A file of this folder with its @NAMES@ filled in, where the gateway will read it. */
function config(name) {
  const values = { MODEL, LISTEN, FILES: process.env.BENCH_FILES };
  const file = join(WORK, name);
  mkdirSync(WORK, { recursive: true });
  writeFileSync(file, readFileSync(join(HERE, name), 'utf8').replace(/@([A-Z]+)@/g, (_, key) => values[key]));
  return file;
}
const rival = (version, program) => join(process.env.BENCH_RIVALS, version, 'bin', program);
const absent = (file) => (existsSync(file) ? undefined : 'not installed');

/** The one place where OneLastAI is told of the paced server. `upstream`: the protocol spoken to it. */
function ourEnvironment(upstream) {
  if (upstream === 'ollama') return { OLLAMA_URLS: `http://${MODEL};slots=10000`, OLLAMA_MODEL: 'mock' };
  return {
    OLLAMA_URLS: `http://${MODEL}`,
    OLLAMA_MODEL: 'mock',
    FALLBACK_TO_CLOUD: 'true',
    CLOUD_BASE_URL: `http://${MODEL}/v1;slots=10000`,
    CLOUD_API_KEY: 'bench',
    CLOUD_MODEL: 'mock-openai',
  };
}
const onelastai = (name, title, upstream, more = {}) => ({
  name,
  title,
  ours: true,
  model: upstream === 'ollama' ? 'mock' : 'mock-openai',
  headers: [`authorization: Bearer ${process.env.BENCH_KEY}`],
  missing: () => (process.env.BENCH_KEY ? undefined : 'no API key'),
  command: () => [process.env.BENCH_PROGRAM, 'serve'],
  environment: { ...process.env, ...ourEnvironment(upstream), ...more },
  url: () => `http://${process.env.BIND_ADDRESS}${CHAT}`,
});

/**
 * `missing` tells why it can't run, `command` how it is started, `url` where it answers (of
 * what it logged), `patience` how much longer its runs are, `streams` how many it is asked to
 * hold open and `openSeconds` the time to open them.
 */
export const GATEWAYS = [
  {
    name: 'nginx',
    title: 'nginx',
    command: () => ['nginx', '-p', WORK, '-e', 'stderr', '-c', config('nginx.conf')],
  },
  {
    name: 'litellm',
    title: 'LiteLLM 1.106.2, one worker',
    missing: () => absent(rival('litellm-1.106.2', 'litellm')),
    command: () => [
      rival('litellm-1.106.2', 'litellm'),
      ...['--config', config('litellm.yaml'), '--host', HOST, '--port', PORT, '--num_workers', '1', '--telemetry', 'False'],
    ],
    // It refuses to start without a key of its own; the price list would come from the net.
    environment: {
      LITELLM_MASTER_KEY: 'sk-bench-of-gateways-on-the-loopback-interface',
      LITELLM_MODE: 'PRODUCTION',
      LITELLM_LOG: 'ERROR',
      LITELLM_LOCAL_MODEL_COST_MAP: 'True',
    },
    headers: ['authorization: Bearer sk-bench-of-gateways-on-the-loopback-interface'],
    // With 64 requests at once all of them end at about the same time, every second or two.
    patience: 2.5,
    // It opens no more than 500 connections to a model.
    streams: 400,
    openSeconds: 14,
  },
  {
    name: 'tensorzero',
    title: 'TensorZero 2026.6.0',
    missing: () => absent(rival('tensorzero-2026.6.0', 'python')),
    command: () => [rival('tensorzero-2026.6.0', 'python'), join(HERE, 'start_tensorzero.py'), config('tensorzero.toml')],
    model: 'tensorzero::model_name::mock',
    url: (log) => {
      const said = /listening on (http:\S+)/.exec(log);
      return said && `${said[1]}/chat/completions`;
    },
  },
  {
    name: 'vllm-router',
    title: 'vllm-router 0.1.17',
    missing: () => absent(rival('vllm-router-0.1.17', 'vllm-router')),
    command: () => [
      rival('vllm-router-0.1.17', 'vllm-router'),
      ...['--host', HOST, '--port', PORT, '--prometheus-port', String(Number(PORT) + 1)],
      ...['--worker-urls', `http://${MODEL}`, '--log-level', 'warning'],
    ],
  },
  onelastai('onelastai', 'OneLastAI (Ollama behind it)', 'ollama'),
  onelastai('onelastai-openai', 'OneLastAI (OpenAI API behind it)', 'openai'),
  onelastai('onelastai-keys', 'OneLastAI (Ollama), 100,000 keys', 'ollama', { DATABASE_URL: process.env.BENCH_DATABASE_KEYS }),
].map((gateway) => ({
  missing: () => undefined,
  url: () => `http://${LISTEN}${CHAT}`,
  model: 'mock',
  headers: [],
  patience: 1,
  streams: STREAMS,
  openSeconds: 6,
  ...gateway,
  // The others get none of our addresses: LiteLLM would use a Redis that it is told of.
  environment: { PATH: process.env.PATH, HOME: WORK, LANG: 'C.UTF-8', ...gateway.environment },
}));

/** No gateway at all. */
export const DIRECT = { name: 'direct', title: 'none (the model server itself)', at: `http://${MODEL}${CHAT}`, model: 'mock', headers: [], patience: 1 };
