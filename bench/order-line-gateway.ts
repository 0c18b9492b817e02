/** The gateway in a process of its own that notes when a request reached it, and when the broker was called with its order. */
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { ACTS } from '#cli/acts.ts';
import { openGateway } from '#compose.ts';
import { loadConfig, ownEnvironment } from '#config.ts';
import { nowMs } from './time.ts';

/** What is said to it, and what it answers. */
export type Asked =
  | { readonly ask: 'reset' }
  | { readonly ask: 'report'; readonly orders: readonly string[] };
export interface Told {
  readonly kind: 'ready' | 'reset' | 'report';
  readonly url?: string | undefined;
  /** By mark of the request. */
  readonly arrivedMs?: readonly (readonly [string, number])[];
  /** By order id. */
  readonly placedMs?: readonly (readonly [string, number])[];
  readonly loopDelayMaxMs?: number;
  readonly openOrders?: number;
}

/** Names a request, so that its arrival is found again. */
const MARK_HEADER = 'x-bench-order';

const tell = (told: Told): void => void process.send?.(told);

const gateway = await openGateway(loadConfig({ environment: ownEnvironment() }), { acts: ACTS });
await gateway.start();

const arrivedMs = new Map<string, number>();
const calledMs = new Map<string, number>();
subscribe('http.server.request.start', (message) => {
  const { request } = message as { readonly request: IncomingMessage };
  const mark = request.headers[MARK_HEADER];
  if (typeof mark === 'string') arrivedMs.set(mark, nowMs());
});
for (const [id, adapter] of gateway.engine.adapters) {
  gateway.engine.adapters.set(id, {
    ...adapter,
    place(order) {
      calledMs.set(order.brokerClientId, nowMs());
      return adapter.place(order);
    },
  });
}
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();

const brokersName = gateway.store.db
  .prepare<[string], string>('SELECT broker_client_id FROM orders WHERE order_id = ?')
  .pluck();
process.on('message', (asked: Asked) => {
  if (asked.ask === 'reset') {
    arrivedMs.clear();
    calledMs.clear();
    delay.reset();
    tell({ kind: 'reset' });
    return;
  }
  tell({
    kind: 'report',
    arrivedMs: [...arrivedMs],
    placedMs: asked.orders.flatMap((orderId) => {
      const at = calledMs.get(brokersName.get(orderId) ?? '');
      return at === undefined ? [] : [[orderId, at] as const];
    }),
    loopDelayMaxMs: delay.max / 1e6,
    openOrders: gateway.trading.workingOrders(),
  });
});
// Nobody is left to ask.
process.once('disconnect', () => process.exit(1));
process.once('SIGTERM', () => void gateway.stop().then(() => process.exit(0)));
tell({ kind: 'ready', url: gateway.url() });
