/** What the pure decision of the order line takes: every control on full facts, none of them idle. */
import { money, price, ratio } from '#domain/decimal.ts';
import { assess } from '#trading/risk.ts';
import { facts, mandate, proposal, working } from '../test/support/facts.ts';
import { defineFigure, type Measured, median, quantile } from './figure.ts';

/** A call alone is too short for the clock. */
const CALLS_A_ROUND = 50;
const MICROSECONDS = 1_000;

/** A mandate with every limit and an amount that needs approval, an account with every limit, somebody's order on the other side. */
const FULL = facts({
  mandate: mandate({
    max_order_qty: '100',
    max_order_value: '20000',
    max_daily_value: '50000',
    max_daily_orders: 500,
    max_daily_loss: '500',
    max_open_orders: 50,
    max_gross_exposure: '80000',
    allow_short: false,
    trading_hours: { timezone: 'Europe/Berlin', days: ['mon', 'fri'], from: '09:00', to: '17:30' },
    approval: { above: '10000' },
  }),
  accountLimits: { maxDrawdownPercent: ratio('30'), maxPositions: 5, maxDailyLoss: money('1000') },
  accountLoss: money('123.45'),
  accountDrawdownPercent: ratio('12.5'),
  positionsOpen: 3,
  valueUsed: money('12345.67'),
  valueReserved: money('2345.67'),
  ordersToday: 123,
  openOrders: 12,
  exposure: money('23456.78'),
  lossToday: money('45.67'),
  unapprovedValue: money('4567.89'),
  messagesLastSecond: 3,
  unclear: [working({ qty: '3', limit: '99' })],
  opposing: price('110'),
  executions: { used: 123, rate: { count: 600, per: 'minute' } },
});

const CASES = [
  { name: 'cleared', order: proposal({ qty: '10', limit: '99.5' }), kind: 'cleared' },
  {
    name: 'bracket',
    order: proposal({ qty: '10', limit: '99.5', takeProfit: '104', stopLoss: '97' }),
    kind: 'cleared',
  },
  { name: 'at_market', order: proposal({ qty: '10' }), kind: 'cleared' },
  { name: 'needs_approval', order: proposal({ qty: '60', limit: '99.5' }), kind: 'needs_approval' },
] as const;

export const assessing = defineFigure({
  name: 'assess',
  about: 'the pure decision on full facts: mandate, limits of agent and account, approval above an amount',
  async run(bench) {
    const rounds = bench.quick ? 100 : 4_000;
    const results = CASES.map(({ name, order, kind }) => {
      for (let call = 0; call < rounds * 5; call++) assess(FULL, order);
      const times = Array.from({ length: rounds }, () => {
        const startedMs = performance.now();
        for (let call = 0; call < CALLS_A_ROUND; call++)
          if (assess(FULL, order).kind !== kind) throw new Error(`${name}: not ${kind}`);
        return ((performance.now() - startedMs) * MICROSECONDS) / CALLS_A_ROUND;
      });
      bench.say(`${name}: ${median(times).toFixed(1)} µs`);
      return {
        name,
        value: median(times),
        unit: 'µs',
        target: { atMost: 50 },
        details: { p99: quantile(times, 0.99) },
      };
    });
    return Promise.resolve(results satisfies readonly Measured[]);
  },
});
