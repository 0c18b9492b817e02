/** Takes a posted fill back, or a part of it: what it did to the holdings and the ledger, whatever has happened since. */
import {
  absolute,
  add,
  type Money,
  min,
  negate,
  proportion,
  type Quantity,
  scale,
  subtract,
  value,
  ZERO_MONEY,
} from '#domain/decimal.ts';
import type { AccountId } from '#domain/principal.ts';
import { ACCOUNT_HOLDER, type FillEffect, withoutFill, withSaneCost } from './holdings.ts';
import { type Executed, post } from './ledger.ts';
import { instrumentOf, type Line } from './line.ts';
import type { StoredOrder } from './order-rows.ts';
import { noteShrunk } from './shrunk.ts';

/** What a part of a fill did, and what the rest of it did. The account's own comes first in both. */
export interface SplitEffects {
  readonly part: readonly FillEffect[];
  readonly rest: readonly FillEffect[];
}

/**
 * Divides what a fill did at `qty` of it. Quantities stay exact: the last holder's part is taken first. A gain is what the cost
 * leaves of the price, so that every part still balances to the last decimal.
 */
export function splitEffects(
  effects: readonly FillEffect[],
  qty: Quantity,
  worthOf: (qty: Quantity) => Money,
): SplitEffects {
  const [account, ...holders] = effects;
  if (account === undefined) return { part: [], rest: [] };
  const parts = [splitOne(account, qty, worthOf)];
  let left = qty;
  const shares = holders.toReversed().map((effect) => {
    const taken = min(left, absolute(effect.qty));
    left = subtract(left, taken);
    return splitOne(effect, taken, worthOf);
  });
  parts.push(...shares.toReversed());
  return {
    part: parts.map(({ part }) => part).filter(isSomething),
    rest: parts.map(({ rest }) => rest).filter(isSomething),
  };
}

const isSomething = (effect: FillEffect): boolean => !(effect.qty.eq('0') && effect.fee.eq('0'));

function splitOne(
  effect: FillEffect,
  taken: Quantity,
  worthOf: (qty: Quantity) => Money,
): { readonly part: FillEffect; readonly rest: FillEffect } {
  const whole = absolute(effect.qty);
  const share = (amount: Money): Money =>
    whole.eq(taken) ? amount : taken.eq('0') ? ZERO_MONEY : proportion(amount, taken, whole);
  const bought = effect.qty.gt('0');
  const cost = share(effect.cost);
  const worth = worthOf(taken);
  const part: FillEffect = {
    holder: effect.holder,
    qty: bought ? taken : negate(taken),
    cost,
    realised: bought ? subtract(cost, worth) : add(cost, worth),
    fee: share(effect.fee),
  };
  return {
    part,
    rest: {
      holder: effect.holder,
      qty: subtract(effect.qty, part.qty),
      cost: subtract(effect.cost, part.cost),
      realised: subtract(effect.realised, part.realised),
      fee: subtract(effect.fee, part.fee),
    },
  };
}

/** The worth of a quantity at the fill's price, multiplier included. */
export const worthAt =
  (line: Line, { price, instrument }: Pick<Executed, 'price' | 'instrument'>) =>
  (qty: Quantity): Money =>
    scale(value(price, qty), instrumentOf(line, instrument).multiplier);

/** Books without these effects. Inside a transaction; `settleCosts` follows once everything of the moment is posted. */
export function takeBack(line: Line, order: StoredOrder, effects: readonly FillEffect[], ref: string): void {
  const { account, instrument } = order;
  for (const effect of effects) {
    const before = line.holdings.of(effect.holder, account, instrument);
    const after = withoutFill(before, effect, line.wallMs());
    line.holdings.save(after);
    noteShrunk(line, before, after);
    if (effect.holder !== ACCOUNT_HOLDER) continue;
    post(line, account, ref, [
      ['cash', add(subtract(effect.cost, effect.realised), effect.fee)],
      [`cost:${instrument}`, negate(effect.cost)],
      ['realised', effect.realised],
      ['fees', negate(effect.fee)],
    ]);
  }
}

/** No holding is left with a cost that its position can not have had. */
export function settleCosts(
  line: Line,
  account: AccountId,
  instrument: StoredOrder['instrument'],
  ref: string,
): void {
  const { multiplier } = instrumentOf(line, instrument);
  const rows = [
    line.holdings.of(ACCOUNT_HOLDER, account, instrument),
    ...line.holdings.holdersOf(account, instrument),
  ];
  for (const holding of rows) {
    const sane = withSaneCost(holding, multiplier);
    if (sane === holding) continue;
    line.holdings.save(sane);
    const moved = subtract(sane.cost, holding.cost);
    if (holding.holder === ACCOUNT_HOLDER)
      post(line, account, ref, [
        [`cost:${instrument}`, moved],
        ['realised', negate(moved)],
      ]);
  }
}
