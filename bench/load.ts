/** Load over HTTP that counts only right answers: one wrong answer among thousands and there is no figure. */
import autocannon from 'autocannon';
import { median } from './figure.ts';
import { processorMs } from './process.ts';

export const CONNECTIONS = 16;

/** A call that can be repeated as it stands. */
export interface Call {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** In the body of every right answer. */
  readonly answers: string;
  /** The process that answers. */
  readonly pid: number;
}

export interface Load {
  readonly callsPerSecond: number;
  readonly calls: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time of the process that answered, of all its threads. */
  readonly processorUs: number;
}

type Extent = { readonly seconds: number } | { readonly calls: number };

/** Throws when a single answer was not a 2xx with what `answers` says. */
export async function load(call: Call, extent: Extent): Promise<Load> {
  const { url, method, headers, body, answers, pid } = call;
  const beforeMs = processorMs(pid);
  const ran = await autocannon({
    url,
    method,
    headers: { ...headers },
    ...(body === undefined ? {} : { body }),
    ...('seconds' in extent ? { duration: extent.seconds } : { amount: extent.calls }),
    connections: CONNECTIONS,
    timeout: 10,
    verifyBody: (given) => given !== undefined && String(given).includes(answers),
  });
  const wrong = ran.non2xx + ran.errors + ran.timeouts + ran.mismatches;
  if (wrong > 0 || ran['2xx'] === 0)
    throw new Error(
      `${method} ${url}: ${ran.non2xx} answers with another status, ${ran.mismatches} without ${answers}, ${ran.errors} errors, ${ran.timeouts} timeouts, ${ran['2xx']} right.`,
    );
  return {
    callsPerSecond: ran['2xx'] / ran.duration,
    calls: ran['2xx'],
    p50Ms: ran.latency.p50,
    p99Ms: ran.latency.p99,
    processorUs: ((processorMs(pid) - beforeMs) * 1_000) / ran['2xx'],
  };
}

export interface Compared {
  /** The median of the rounds' ratios. */
  readonly ratio: number;
  readonly callsPerSecond: number;
  readonly baselinePerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly ratios: readonly number[];
  /** Of a call, and of the baseline's: what other work on the machine changes least. */
  readonly processorUs: number;
  readonly baselineProcessorUs: number;
}

/** Baseline and subject in turn, round by round, so that what the machine does meanwhile falls on both. */
export async function compare(
  subject: Call,
  baseline: Call,
  how: { readonly rounds: number; readonly seconds: number },
): Promise<Compared> {
  const seconds = { seconds: how.seconds };
  for (const warmUp of [baseline, subject]) await load(warmUp, seconds);
  const pairs: { readonly base: Load; readonly own: Load }[] = [];
  for (let round = 0; round < how.rounds; round++)
    pairs.push({ base: await load(baseline, seconds), own: await load(subject, seconds) });
  const of = (value: (pair: (typeof pairs)[number]) => number): number => median(pairs.map(value));
  return {
    ratio: of(({ base, own }) => own.callsPerSecond / base.callsPerSecond),
    callsPerSecond: of(({ own }) => own.callsPerSecond),
    baselinePerSecond: of(({ base }) => base.callsPerSecond),
    p50Ms: of(({ own }) => own.p50Ms),
    p99Ms: of(({ own }) => own.p99Ms),
    processorUs: of(({ own }) => own.processorUs),
    baselineProcessorUs: of(({ base }) => base.processorUs),
    ratios: pairs.map(({ base, own }) => own.callsPerSecond / base.callsPerSecond),
  };
}
