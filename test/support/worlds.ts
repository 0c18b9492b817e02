/** Worlds an order may be assessed in, and orders to assess in them, for properties of the decision. */
import fc from 'fast-check';
import { money, quantity, ratio, scale, text } from '#domain/decimal.ts';
import type { Facts } from '#trading/facts.ts';
import { facts, mandate, type ProposalWords } from './facts.ts';

const figure = (max: number) => fc.integer({ min: 0, max }).map(String);
export const limits = fc.record({
  max_order_qty: figure(30),
  max_order_value: figure(9_000),
  max_daily_value: figure(20_000),
  max_daily_orders: fc.integer({ min: 0, max: 12 }),
  max_daily_loss: figure(600),
  max_open_orders: fc.integer({ min: 0, max: 12 }),
  max_gross_exposure: figure(20_000),
  allow_short: fc.boolean(),
  may_reduce: fc.constantFrom('own', 'account'),
  approval: fc.oneof(
    fc.constantFrom('always', 'never'),
    figure(4_000).map((above) => ({ above })),
  ),
});
export const worlds: fc.Arbitrary<Facts> = fc
  .record({
    rules: limits,
    own: fc.integer({ min: -12, max: 12 }),
    taken: fc.integer({ min: 0, max: 4 }),
    others: fc.integer({ min: -5, max: 5 }),
    used: figure(3_000),
    reserved: figure(3_000),
    exposure: figure(3_000),
    loss: figure(300),
    unapproved: figure(2_000),
    orders: fc.integer({ min: 0, max: 4 }),
    open: fc.integer({ min: 0, max: 4 }),
    messages: fc.integer({ min: 0, max: 11 }),
    power: figure(20_000),
    sells: fc.integer({ min: 0, max: 4 }),
  })
  .map((world): Facts => {
    const left = quantity(String(Math.max(0, Math.abs(world.own) - world.taken)));
    return facts({
      mandate: mandate(world.rules),
      ownQty: quantity(String(world.own)),
      reducible: left,
      accountQty: quantity(String(world.own + world.others)),
      accountReducible: quantity(String(Math.max(0, Math.abs(world.own + world.others) - world.taken))),
      workingSells: quantity(String(world.sells)),
      valueUsed: money(world.used),
      valueReserved: money(world.reserved),
      exposure: money(world.exposure),
      lossToday: money(world.loss),
      unapprovedValue: money(world.unapproved),
      ordersToday: world.orders,
      openOrders: world.open,
      messagesLastSecond: world.messages,
      ownMessagesLastSecond: world.messages,
      buyingPower: money(world.power),
    });
  });
const tenths = (from: number, to: number) =>
  fc.integer({ min: from, max: to }).map((count) => text(scale(quantity(String(count)), ratio('0.1'))));
export const orders: fc.Arbitrary<ProposalWords> = fc
  .record({
    side: fc.constantFrom('buy' as const, 'sell' as const),
    qty: fc.integer({ min: 0, max: 12 }).map(String),
    price: fc.option(tenths(940, 1_060), { nil: undefined }),
    stop: fc.option(tenths(940, 1_060), { nil: undefined }),
    reduceOnly: fc.constantFrom(false, false, false, true),
    takeProfit: fc.option(tenths(940, 1_060), { nil: undefined, freq: 1 }),
    origin: fc.constantFrom('agent' as const, 'agent' as const, 'close' as const),
  })
  .map(({ price, stop, takeProfit, ...rest }) => ({
    ...rest,
    ...(price === undefined ? {} : { limit: price }),
    ...(stop === undefined ? {} : { stop }),
    ...(takeProfit === undefined ? {} : { takeProfit }),
  }));
