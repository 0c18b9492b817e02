/** How fast the kill switch is: two hundred orders at work in a gateway as it is run, and one press over the owner's socket. */
import { dialOwner, send } from '#cli/reach.ts';
import { wallClock } from '#clock.ts';
import { defineFigure } from './figure.ts';
import { configIn, serveGateway } from './gateway.ts';
import { seedLoad } from './seed.ts';
import { makeTraders } from './traders.ts';

const ORDERS = 200;
const ANSWER_WITHIN_MS = 30_000;
/** Every cancel issued within a second; confirmed by the paper broker within it too. */
const MOST_MS = 1_000;

export const killing = defineFigure({
  name: 'kill',
  about: 'from the press of the kill switch until 200 orders are canceled and the report is there',
  async run(bench) {
    const folder = bench.folder();
    const orders = bench.quick ? 20 : ORDERS;
    await seedLoad(folder, makeTraders(folder), { orders, lines: 0 });
    await serveGateway(bench, { folder });
    const dialed = await dialOwner(configIn(folder), wallClock);
    if (dialed.kind !== 'engine') throw new Error('The gateway does not answer its owner.');
    const startedMs = performance.now();
    const answer = await send(dialed.socket, wallClock, {
      act: 'kill',
      input: { cancel: 'adding', flatten: false },
      withinMs: ANSWER_WITHIN_MS,
    });
    const tookMs = performance.now() - startedMs;
    if (!answer.ok) throw new Error(answer.error.detail);
    const report = answer.value as {
      canceled: readonly string[];
      orders_left: readonly string[];
      elapsed_ms: number;
    };
    // Some may have filled while they were seeded.
    if (report.canceled.length < orders * 0.95 || report.orders_left.length > 0)
      throw new Error(
        `${report.canceled.length} of ${orders} were canceled, ${report.orders_left.length} are left.`,
      );
    return [
      {
        name: 'report',
        value: tookMs,
        unit: 'ms',
        target: { atMost: MOST_MS },
        details: { canceled: report.canceled.length, elapsed_ms: report.elapsed_ms },
      },
    ];
  },
});
