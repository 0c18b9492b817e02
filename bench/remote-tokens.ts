/** What it takes to know who presents an access token: one that is met first, one that is known, and what a commit in between costs. */
import { wallClock } from '#clock.ts';
import { openGateway } from '#compose.ts';
import { OWNER_CLI } from '#domain/principal.ts';
import { claimsOf, signed } from '../test/support/tokens.ts';
import { type Bench, type Measured, median, quantile, type Target } from './figure.ts';
import { configIn, makeKey } from './gateway.ts';
import { PUBLIC_URL, REMOTE_ON, seedGrants } from './remote-seed.ts';

const AGENT = 'bench';
const MICROSECONDS = 1_000;
const FROM_AFAR = { door: 'http', address: '203.0.113.7' } as const;

/** Each takes one look at who presents what; µs. */
interface Looks {
  readonly tokens: readonly string[];
  readonly token: (given: string) => number;
  readonly key: () => number;
  /** Anything, as the record of a read is. */
  readonly commit: () => void;
}

/** Inside one process, without a wire. A key is looked up again after a commit as well, which is what that is compared with. */
export async function verifying(bench: Bench): Promise<readonly Measured[]> {
  const { tokens, token, key, commit } = await looks(bench, bench.quick ? 100 : 4_000);
  const first = tokens.map(token);
  const [known = ''] = tokens;
  token(known);
  const again = tokens.map(() => token(known));
  const [tokenAfter, keyAfter] = [[] as number[], [] as number[]];
  for (let round = 0; round < (bench.quick ? 50 : 1_000); round++) {
    commit();
    tokenAfter.push(token(known));
    commit();
    keyAfter.push(key());
  }
  const [tokenUs, keyUs] = [median(tokenAfter), median(keyAfter)];
  bench.say(`remote: after a commit a token takes ${tokenUs.toFixed(0)} µs, a key ${keyUs.toFixed(0)}`);
  return [
    inMicroseconds('verify_cold', first, { atMost: 150 }),
    inMicroseconds('verify_cached', again, { atMost: 10 }),
    {
      name: 'verify_after_commit_to_key',
      value: tokenUs / keyUs,
      unit: 'ratio',
      target: { atMost: 1.5 },
      details: { token_us: tokenUs, key_us: keyUs },
    },
  ];
}

const inMicroseconds = (name: string, times: readonly number[], target: Target): Measured => ({
  name,
  value: median(times),
  unit: 'µs',
  target,
  details: { p99: quantile(times, 0.99) },
});

async function looks(bench: Bench, count: number): Promise<Looks> {
  const folder = bench.folder();
  const apiKey = makeKey(folder, AGENT);
  const { grantId } = seedGrants(folder, { grants: 10, agent: AGENT });
  const gateway = await openGateway(configIn(folder, REMOTE_ON), { http: true, clock: wallClock });
  bench.onEnd(() => gateway.stop());
  const { access, grants, store, audit, engine } = gateway;
  const [signing, grant] = [engine.signing(), grants.find(grantId)];
  if (!signing || !grant) throw new Error('remote MCP is off, or its grant is not there');
  const claims = {
    ...claimsOf(grant, access.wall()),
    iss: PUBLIC_URL,
    aud: `${PUBLIC_URL}/mcp`,
  };
  return {
    tokens: Array.from({ length: count }, (_, n) => signed(signing, { ...claims, jti: `token-${n}` })),
    token: (given) => timed(() => access.remote.authenticate(given, FROM_AFAR)),
    key: () => timed(() => access.keys.authenticate(apiKey, FROM_AFAR)),
    commit: () =>
      void store.transaction(() =>
        audit.record({ kind: 'bench', credential: OWNER_CLI.credential, outcome: 'ok' }),
      ),
  };
}

function timed(look: () => { readonly ok: boolean }): number {
  const startedMs = performance.now();
  const { ok } = look();
  const tookMs = performance.now() - startedMs;
  if (!ok) throw new Error('whoever was to be let in was refused');
  return tookMs * MICROSECONDS;
}
