/** Remote clients: whether guessing at refresh tokens costs more where there are many, and what an access token costs beside a key. */
import { randomBytes } from 'node:crypto';
import { modernCall } from './calls.ts';
import { type Bench, defineFigure, type Measured, median, quantile } from './figure.ts';
import { makeKey, type ServedGateway, serveGateway } from './gateway.ts';
import { compare } from './load.ts';
import { REMOTE_ON, type SeededGrant, seedGrants } from './remote-seed.ts';
import { verifying } from './remote-tokens.ts';

const AGENT = 'bench';
const FEW = 10;
const MANY = 100_000;
const MANY_QUICKLY = 2_000;
/** The same within a fifth: the larger may take this many times the smaller. */
const RATIO_MAX = 1.2;

interface Served {
  readonly gateway: ServedGateway;
  readonly grant: SeededGrant;
  readonly key: string;
}

export const remote = defineFigure({
  name: 'remote',
  about:
    'a bogus refresh token with 10 grants and with 100,000; a call with an access token beside one with a key',
  async run(bench) {
    const many = bench.quick ? MANY_QUICKLY : MANY;
    const few = await served(bench, FEW);
    bench.say(`remote: writing ${many} grants`);
    const crowded = await served(bench, many);
    return [
      await refusals(bench, { few, crowded, many }),
      await calls(bench, few),
      ...(await verifying(bench)),
    ];
  },
});

async function served(bench: Bench, grants: number): Promise<Served> {
  const folder = bench.folder();
  const key = makeKey(folder, AGENT);
  const grant = seedGrants(folder, { grants, agent: AGENT });
  return { gateway: await serveGateway(bench, { folder, settings: REMOTE_ON }), grant, key };
}

/** One after the other, so that whatever else the machine does falls on both. */
async function refusals(
  bench: Bench,
  { few, crowded, many }: { readonly few: Served; readonly crowded: Served; readonly many: number },
): Promise<Measured> {
  const rounds = bench.quick ? 20 : 1_000;
  const taken = { few: [] as number[], many: [] as number[] };
  for (let round = -20; round < rounds; round++) {
    const [fewMs, manyMs] = [await refused(few), await refused(crowded)];
    // The first ones warm up what is compiled and read once.
    if (round < 0) continue;
    taken.few.push(fewMs);
    taken.many.push(manyMs);
  }
  const [fewMs, manyMs] = [median(taken.few), median(taken.many)];
  bench.say(
    `remote: a bogus refresh token ${fewMs.toFixed(2)} ms with ${FEW} grants, ${manyMs.toFixed(2)} with ${many}`,
  );
  return {
    name: 'bogus_refresh_many_to_few',
    value: manyMs / fewMs,
    unit: 'ratio',
    target: { atMost: RATIO_MAX },
    details: {
      grants: many,
      few_ms: fewMs,
      many_ms: manyMs,
      few_p99_ms: quantile(taken.few, 0.99),
      many_p99_ms: quantile(taken.many, 0.99),
    },
  };
}

const token = (): string => randomBytes(32).toString('base64url');

async function refresh({ gateway, grant }: Served, refreshToken: string): Promise<readonly [number, string]> {
  const answer = await fetch(`${gateway.url}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: grant.clientId,
      refresh_token: refreshToken,
    }),
  });
  return [answer.status, await answer.text()];
}

async function refused(served: Served): Promise<number> {
  const startedMs = performance.now();
  const [status, text] = await refresh(served, token());
  const tookMs = performance.now() - startedMs;
  if (status !== 400 || !text.includes('"invalid_grant"'))
    throw new Error(`A bogus refresh token was answered ${status}: ${text.slice(0, 300)}`);
  return tookMs;
}

async function calls(bench: Bench, served: Served): Promise<Measured> {
  const { gateway, grant, key } = served;
  const [status, text] = await refresh(served, grant.refreshToken);
  const { access_token: access } = JSON.parse(text) as { readonly access_token?: string };
  if (access === undefined) throw new Error(`No token was given: ${status} ${text.slice(0, 300)}`);
  const how = bench.quick ? { rounds: 1, seconds: 1 } : { rounds: 7, seconds: 2 };
  const { ratio, ...details } = await compare(modernCall(gateway, access), modernCall(gateway, key), how);
  const { processorUs, baselineProcessorUs } = details;
  bench.say(
    `remote: a call with a token ${processorUs.toFixed(0)} µs, with a key ${baselineProcessorUs.toFixed(0)}`,
  );
  return { name: 'call_to_key', value: ratio, unit: 'ratio', target: { atLeast: 0.9 }, details };
}
