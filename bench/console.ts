/** Whether the owner's pages are as quick after a long life as on the first day: orders and the record, with every filter. */
import { openOffice } from '#cli/office.ts';
import { wallClock } from '#clock.ts';
import { OWNER_CLI } from '#domain/principal.ts';
import { type Bench, defineFigure, type Measured, median } from './figure.ts';
import { configIn, serveGateway } from './gateway.ts';
import { seedLines } from './seed.ts';

const FEW = 100;
const MANY = 1_000_000;
const MANY_QUICKLY = 20_000;
const ROUNDS = 60;
const ROUNDS_QUICKLY = 6;
/** The same within a fifth: the larger may take this many times the smaller. */
const RATIO_MAX = 1.2;

const AGENTS = 8;
/** A hundred of every agent and kind: a filter leaves as many rows to show as there are of a million. */
const OF_EACH: Life = { orders: FEW * AGENTS * 2, lines: FEW * AGENTS * 3, agents: AGENTS };

/** The page as it opens, then its filters. */
const PAGES: Readonly<Record<string, readonly string[]>> = {
  orders: [
    '/admin/orders',
    '/admin/orders?agent=trader-0',
    '/admin/orders?symbol=SPX',
    '/admin/orders?status=final',
    '/admin/orders?status=rejected',
    '/admin/orders?status=open',
    '/admin/orders?agent=trader-0&side=sell&symbol=SPX',
    '/admin/orders?since=2020-01-01',
  ],
  audit: [
    '/admin/audit',
    '/admin/audit?agent=trader-0',
    '/admin/audit?tool=get_quotes',
    '/admin/audit?kind=order.transition',
    '/admin/audit?outcome=refused',
    '/admin/audit?agent=trader-0&tool=get_quotes&outcome=ok',
  ],
};

interface Served {
  readonly url: string;
  readonly cookie: string;
}

export const consolePages = defineFigure({
  name: 'console',
  about: "the owner's pages of orders and of the record, with a hundred rows and with a million",
  async run(bench) {
    const many = bench.quick ? MANY_QUICKLY : MANY;
    const few = await served(bench, { orders: FEW, lines: FEW, agents: 1 });
    const fewOfEach = await served(bench, OF_EACH);
    bench.say(`console: writing ${many} orders and as many lines`);
    const long = await served(bench, { orders: many, lines: many, agents: AGENTS });
    const figures: Measured[] = [];
    for (const [name, paths] of Object.entries(PAGES)) {
      const rounds = bench.quick ? ROUNDS_QUICKLY : ROUNDS;
      const bare = await compare({ few, long, paths: paths.slice(0, 1), rounds });
      const filtered = await compare({ few: fewOfEach, long, paths: paths.slice(1), rounds });
      const worst = bare.ratio > filtered.ratio ? bare : filtered;
      figures.push({
        name: `${name}_many_to_few`,
        value: worst.ratio,
        unit: 'ratio',
        target: { atMost: RATIO_MAX },
        details: { rows: many, of: worst.path, few_ms: worst.fewMs, many_ms: worst.manyMs },
      });
    }
    return figures;
  },
});

interface Life {
  readonly orders: number;
  readonly lines: number;
  readonly agents: number;
}

interface Compared {
  readonly path: string;
  readonly ratio: number;
  readonly fewMs: number;
  readonly manyMs: number;
}

/** One after the other, so that whatever else the machine does falls on both; the path that grows most is told. */
async function compare(o: {
  readonly few: Served;
  readonly long: Served;
  readonly paths: readonly string[];
  readonly rounds: number;
}): Promise<Compared> {
  const times = new Map(o.paths.map((path) => [path, { few: [] as number[], many: [] as number[] }]));
  for (let round = -2; round < o.rounds; round++) {
    for (const [path, taken] of times) {
      const fewMs = await timed(o.few, path);
      const manyMs = await timed(o.long, path);
      // The first ones warm up what is compiled and read once.
      if (round < 0) continue;
      taken.few.push(fewMs);
      taken.many.push(manyMs);
    }
  }
  const compared = [...times].map(([path, taken]): Compared => {
    const [fewMs, manyMs] = [median(taken.few), median(taken.many)];
    return { path, ratio: manyMs / fewMs, fewMs, manyMs };
  });
  return (
    compared.toSorted((a, b) => b.ratio - a.ratio)[0] ?? { path: '', ratio: Number.NaN, fewMs: 0, manyMs: 0 }
  );
}

async function timed({ url, cookie }: Served, path: string): Promise<number> {
  const startedMs = performance.now();
  const answer = await fetch(url + path, { headers: { cookie }, redirect: 'manual' });
  const html = await answer.text();
  const tookMs = performance.now() - startedMs;
  const isEmptyOnPurpose = path.includes('rejected') || path.includes('open') || path.includes('refused');
  if (answer.status !== 200 || (!isEmptyOnPurpose && !html.includes('<tbody')))
    throw new Error(`${path} was answered ${answer.status}, and not with rows.`);
  return tookMs;
}

/** A gateway with so many orders and lines behind it, and its owner signed in. */
async function served(bench: Bench, life: Life): Promise<Served> {
  const folder = bench.folder();
  const token = await makeOwner(folder, life.agents);
  seedOrders(folder, life);
  seedLines(folder, life.lines, life.agents);
  const { url } = await serveGateway(bench, { folder });
  return { url, cookie: `portcullis-${new URL(url).port}-session=${token}` };
}

async function makeOwner(folder: string, agents: number): Promise<string> {
  const office = openOffice(configIn(folder), wallClock);
  try {
    const { owner, keys } = office.access;
    for (let n = 0; n < agents; n++)
      keys.create({ agent: `trader-${n}`, scopes: ['read:market'], by: OWNER_CLI });
    const made = await owner.create({
      name: 'bench',
      passphrase: 'a passphrase of the bench',
      by: OWNER_CLI,
    });
    if (!made.ok) throw new Error(made.error.detail);
    return owner.openSession({ address: '127.0.0.1', userAgent: 'bench' }).token;
  } finally {
    office.close();
  }
}

/** Orders that were filled long ago, straight into their tables: the line would take days for a million. */
function seedOrders(folder: string, { orders: rows, agents: traders }: Life): void {
  const office = openOffice(configIn(folder), wallClock);
  const { store, access } = office;
  try {
    const agents = access.agents.list().map(({ id }) => id);
    const order = store.db.prepare(
      `INSERT INTO orders (order_id, agent_id, credential, account_id, instrument_id, symbol, broker_client_id, role, origin,
         effect, side, type, time_in_force, qty, limit_price, post_only, reduce_only, extended_hours, status, filled_qty,
         filled_value, run, mandate_day, created_at, updated_at)
       VALUES (?, ?, 'key_0123456789abcdef', 'paper', 'INDEX:SPX', 'SPX', ?, 'entry', 'agent', 'adding', ?, 'limit', 'day',
         '1', '1400.25', 0, 0, 0, 'filled', '1', '1400.25', 1, '2026-01-01', ?, ?)`,
    );
    const startMs = access.wall() - rows * 1_000;
    store.transaction(() => {
      for (let n = 0; n < rows; n++) {
        const id = String(n).padStart(24, '0');
        const atMs = startMs + n * 1_000;
        order.run(
          `ord_${id}`,
          agents[n % agents.length],
          `pcl${id}`,
          Math.floor(n / traders) % 2 === 0 ? 'buy' : 'sell',
          atMs,
          atMs,
        );
      }
    });
  } finally {
    office.close();
  }
}
