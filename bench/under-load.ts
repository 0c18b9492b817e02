/** The doors and the order line on a folder with a long life behind it, against the same on an empty one, in turn. */
import { legacyCall, modernCall, restCall } from './calls.ts';
import { type Bench, defineFigure, type Measured, median, quantile } from './figure.ts';
import { serveGateway } from './gateway.ts';
import { compare } from './load.ts';
import { type Flow, type OrderGateway, startOrderGateway } from './order-flow.ts';
import { AUDIT_LINES, OPEN_ORDERS, seedLoad } from './seed.ts';
import { makeTraders, type Trader } from './traders.ts';

/** Of a figure, what load may take from it. */
const SLOWER_MAX = 1.15;
/** Some may fill when prices fall far; with fewer the load is not the one that the figure is named after. */
const STILL_OPEN_MIN = 0.95;

interface Filled {
  readonly folder: string;
  readonly traders: readonly Trader[];
}

export const underLoad = defineFigure({
  name: 'under_load',
  about: 'doors and order line with 1,000 open orders and 1,000,000 audit lines, against an empty store',
  async run(bench) {
    const load = bench.quick ? { orders: 100, lines: 20_000 } : { orders: OPEN_ORDERS, lines: AUDIT_LINES };
    const [empty, loaded] = [fresh(bench), fresh(bench)];
    const startedMs = performance.now();
    await seedLoad(loaded.folder, loaded.traders, load);
    bench.say(`${load.orders} orders and ${load.lines} lines in ${seconds(performance.now() - startedMs)} s`);
    return [
      ...(await orderLines(bench, { empty, loaded }, load.orders)),
      ...(await doorsOf(bench, { empty, loaded })),
    ];
  },
});

const seconds = (ms: number): string => (ms / 1_000).toFixed(1);

function fresh(bench: Bench): Filled {
  const folder = bench.folder();
  return { folder, traders: makeTraders(folder) };
}

interface Pair {
  readonly empty: Filled;
  readonly loaded: Filled;
}

async function orderLines(bench: Bench, pair: Pair, orders: number): Promise<readonly Measured[]> {
  const gateways = [
    await startOrderGateway(bench, pair.empty.folder, pair.empty.traders),
    await startOrderGateway(bench, pair.loaded.folder, pair.loaded.traders),
  ] as const;
  const [rounds, length] = bench.quick ? [1, 2] : [4, 6];
  for (const gateway of gateways) await gateway.flow(length);
  const flows: { readonly empty: Flow; readonly loaded: Flow }[] = [];
  for (let round = 0; round < rounds; round++)
    flows.push({ empty: await gateways[0].flow(length), loaded: await gateways[1].flow(length) });
  await stopAll(gateways);
  const open = flows.at(-1)?.loaded.openOrders ?? 0;
  if (open < orders * STILL_OPEN_MIN) throw new Error(`Only ${open} of ${orders} orders are still at work.`);
  const of = (which: 'empty' | 'loaded', part: number): number =>
    quantile(
      flows.flatMap((flow) => flow[which].atServerMs),
      part,
    );
  const ratio = median(
    flows.map((flow) => quantile(flow.loaded.atServerMs, 0.5) / quantile(flow.empty.atServerMs, 0.5)),
  );
  bench.say(
    `order line: p50 ${of('empty', 0.5).toFixed(2)} ms empty, ${of('loaded', 0.5).toFixed(2)} loaded`,
  );
  return [
    {
      name: 'order_line_p50',
      value: ratio,
      unit: 'ratio',
      target: { atMost: SLOWER_MAX },
      details: {
        open_orders: open,
        empty_p50: of('empty', 0.5),
        loaded_p50: of('loaded', 0.5),
        empty_p99: of('empty', 0.99),
        loaded_p99: of('loaded', 0.99),
      },
    },
    { name: 'order_line_p99', value: of('loaded', 0.99), unit: 'ms', target: { atMost: 10 } },
    {
      name: 'loop_delay_max',
      value: Math.max(...flows.map((flow) => flow.loaded.loopDelayMaxMs)),
      unit: 'ms',
      details: { empty: Math.max(...flows.map((flow) => flow.empty.loopDelayMaxMs)) },
    },
  ];
}

const stopAll = async (gateways: readonly OrderGateway[]): Promise<void> => {
  for (const gateway of gateways) await gateway.stop();
};

/** Each door on the filled folder, against the same door on the empty one. */
async function doorsOf(bench: Bench, { empty, loaded }: Pair): Promise<readonly Measured[]> {
  const callsOf = async ({ folder, traders }: Filled) => {
    const gateway = await serveGateway(bench, { folder });
    const key = traders[0]?.key ?? '';
    return {
      modern: modernCall(gateway, key),
      legacy: await legacyCall(gateway, key),
      rest: restCall(gateway, key),
    };
  };
  const how = bench.quick ? { rounds: 1, seconds: 1 } : { rounds: 5, seconds: 2 };
  const [ofLoaded, ofEmpty] = [await callsOf(loaded), await callsOf(empty)];
  const all: Measured[] = [];
  for (const door of ['modern', 'legacy', 'rest'] as const) {
    const { ratio, ...details } = await compare(ofLoaded[door], ofEmpty[door], how);
    bench.say(`${door}: ${details.callsPerSecond.toFixed(0)} a second loaded, ${ratio.toFixed(2)} of empty`);
    all.push({ name: door, value: ratio, unit: 'ratio', target: { atLeast: 1 / SLOWER_MAX }, details });
  }
  return all;
}
