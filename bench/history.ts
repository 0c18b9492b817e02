/** The order line on ten thousand orders of history, every control on, against the same without any, in turn. */
import { openGateway } from '#compose.ts';
import { type Bench, defineFigure, median, quantile } from './figure.ts';
import { configIn } from './gateway.ts';
import { type Flow, startOrderGateway } from './order-flow.ts';
import { hastyClock, ORDER_GAP_MS } from './seed.ts';
import { pause } from './time.ts';
import { makeTraders, type Trader } from './traders.ts';

const HISTORY_ORDERS = 10_000;
const SLOWER_MAX = 1.1;
const FIRST_QUOTE_MS = 50;
const FILLED_WITHIN_MS = 120_000;

export const history = defineFigure({
  name: 'history',
  about: 'the order line with 10,000 filled orders behind it, against an empty store',
  async run(bench) {
    const orders = bench.quick ? 200 : HISTORY_ORDERS;
    const [empty, loaded] = [fresh(bench), fresh(bench)];
    await fillHistory(loaded.folder, loaded.traders, orders);
    const gateways = [
      await startOrderGateway(bench, empty.folder, empty.traders),
      await startOrderGateway(bench, loaded.folder, loaded.traders),
    ] as const;
    const [rounds, length] = bench.quick ? [1, 2] : [5, 6];
    for (const gateway of gateways) await gateway.flow(length);
    const flows: { readonly empty: Flow; readonly loaded: Flow }[] = [];
    for (let round = 0; round < rounds; round++)
      flows.push({ empty: await gateways[0].flow(length), loaded: await gateways[1].flow(length) });
    for (const gateway of gateways) await gateway.stop();
    const p50 = (flow: Flow): number => quantile(flow.atServerMs, 0.5);
    const ratios = flows.map((flow) => p50(flow.loaded) / p50(flow.empty));
    const details = {
      orders,
      ratios,
      empty_p50: median(flows.map((flow) => p50(flow.empty))),
      loaded_p50: median(flows.map((flow) => p50(flow.loaded))),
    };
    bench.say(
      `order line: p50 ${details.empty_p50.toFixed(2)} ms empty, ${details.loaded_p50.toFixed(2)} with history`,
    );
    return [
      {
        name: 'order_line_p50',
        value: median(ratios),
        unit: 'ratio',
        target: { atMost: SLOWER_MAX },
        details,
      },
    ];
  },
});

function fresh(bench: Bench): { readonly folder: string; readonly traders: readonly Trader[] } {
  const folder = bench.folder();
  return { folder, traders: makeTraders(folder) };
}

/** Market orders, bought and sold in turn, each filled at the next quotes: the whole way of an order and of its fill. */
async function fillHistory(folder: string, traders: readonly Trader[], orders: number): Promise<void> {
  const clock = hastyClock();
  const gateway = await openGateway(configIn(folder, { PAPER_BAR_SECONDS: '1' }), { http: false, clock });
  try {
    await gateway.start();
    await pause(FIRST_QUOTE_MS);
    for (let n = 0; n < orders; n++) {
      const trader = traders[n % traders.length];
      clock.advance(ORDER_GAP_MS / traders.length);
      // Quotes and fills have their turn.
      if (n % 50 === 49) await pause(FIRST_QUOTE_MS);
      const principal = gateway.access.keys.authenticate(trader?.key ?? '', { door: 'rest' });
      if (!principal.ok) throw new Error(principal.error.detail);
      const side = Math.floor(n / traders.length) % 2 === 0 ? 'buy' : 'sell';
      const placed = await gateway.dispatcher.call({
        tool: 'place_order',
        args: {
          symbol: 'SPX',
          side,
          qty: '1',
          type: 'market',
          dry_run: false,
          idempotency_key: `history-${n}`,
        },
        principal: principal.value,
        via: 'rest',
      });
      if (placed?.ok !== true) throw new Error(`Order ${n} was refused: ${placed?.refusal.detail}`);
    }
    const untilMs = performance.now() + FILLED_WITHIN_MS;
    while (gateway.trading.workingOrders() > 0 && performance.now() < untilMs) await pause(1_000);
    if (gateway.trading.workingOrders() > 0) throw new Error('Not every order of the history was filled.');
  } finally {
    await gateway.stop();
  }
}
