/** How long a commit takes from the door to the broker, every write durable before it, at fifty orders a second. */
import { defineFigure, quantile } from './figure.ts';
import { startOrderGateway } from './order-flow.ts';
import { makeTraders } from './traders.ts';

export const orderLine = defineFigure({
  name: 'order_line',
  about: 'from a commit’s arrival over REST to the broker being called, 50 orders a second, durable commits',
  async run(bench) {
    const folder = bench.folder();
    const gateway = await startOrderGateway(bench, folder, makeTraders(folder));
    await gateway.flow(bench.quick ? 1 : 10);
    const flow = await gateway.flow(bench.quick ? 2 : 20);
    const [p50, p99] = [quantile(flow.atServerMs, 0.5), quantile(flow.atServerMs, 0.99)];
    const details = {
      orders: flow.atServerMs.length,
      max: Math.max(...flow.atServerMs),
      from_client_p50: quantile(flow.fromClientMs, 0.5),
      from_client_p99: quantile(flow.fromClientMs, 0.99),
      loop_delay_max_ms: flow.loopDelayMaxMs,
    };
    bench.say(`order line: p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`);
    return [
      { name: 'p50', value: p50, unit: 'ms', target: { atMost: 2 }, details },
      { name: 'p99', value: p99, unit: 'ms', target: { atMost: 10 } },
    ];
  },
});
