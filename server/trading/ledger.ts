/** The double-entry ledger: executions and settlements are posted once, by their id, and every posting sums to zero. */
import {
  absolute,
  add,
  type Money,
  min,
  money,
  negate,
  type Price,
  type Quantity,
  subtract,
  sum,
  text,
  value,
  ZERO_MONEY,
  ZERO_QUANTITY,
} from '#domain/decimal.ts';
import type { Instrument, InstrumentId } from '#domain/instrument.ts';
import type { AccountId } from '#domain/principal.ts';
import type { BrokerExecution } from '#ports.ts';
import { ACCOUNT_HOLDER, afterFill, effectOf, type Fill, type FillEffect, opposes } from './holdings.ts';
import { instrumentOf, type Line } from './line.ts';
import type { StoredOrder } from './order-rows.ts';
import { reducible } from './reducible.ts';
import { noteShrunk } from './shrunk.ts';

/** Ledger entries of an account; cost has one for each instrument. Debits are positive. */
export type Entry = 'cash' | 'capital' | 'realised' | 'fees' | `cost:${string}`;

/** Writes one posting. Inside a transaction; throws when it does not sum to zero. */
export function post(
  line: Line,
  account: AccountId,
  ref: string,
  amounts: readonly (readonly [Entry, Money])[],
): void {
  const total = sum(
    ZERO_MONEY,
    amounts.map(([, amount]) => amount),
  );
  if (!total.eq('0')) throw new Error(`posting ${ref} does not balance: ${text(total)}`);
  for (const [entry, amount] of amounts) {
    if (amount.eq('0')) continue;
    line
      .prepare('INSERT INTO ledger (account_id, ref, entry, amount, time) VALUES (?, ?, ?, ?, ?)')
      .run(account, ref, entry, text(amount), line.wallMs());
    line
      .prepare(
        `INSERT INTO ledger_balances (account_id, entry, amount) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET amount = excluded.amount`,
      )
      .run(account, entry, text(add(ledgerBalance(line, account, entry), amount)));
  }
}

export function ledgerBalance(line: Line, account: AccountId, entry: Entry): Money {
  const row = line
    .prepare<[string, string], { amount: string }>(
      'SELECT amount FROM ledger_balances WHERE account_id = ? AND entry = ?',
    )
    .get(account, entry);
  return row ? money(row.amount) : ZERO_MONEY;
}
export const isLedgerEmpty = (line: Line, account: AccountId): boolean =>
  line.prepare('SELECT 1 FROM ledger WHERE account_id = ? LIMIT 1').get(account) === undefined;

export const isPosted = (line: Line, account: AccountId, executionId: string): boolean =>
  line
    .prepare('SELECT 1 FROM executions WHERE account_id = ? AND execution_id = ?')
    .get(account, executionId) !== undefined;

/** What an execution says, wherever it was read. */
export type Executed = Omit<BrokerExecution, 'brokerOrderId' | 'brokerClientId'>;

/**
 * Posts an execution of `order` once: ledger, the account's holding, the holders' own, and the trade itself.
 * Gives what it did to each holding, the account's own first. The caller has looked whether it is posted already.
 */
export function postExecution(
  line: Line,
  order: StoredOrder,
  execution: Executed,
  run: number,
): readonly FillEffect[] {
  const instrument = instrumentOf(line, execution.instrument);
  const { account } = order;
  const held = heldBy(execution);
  const fill: Fill = {
    side: execution.side,
    qty: held,
    price: execution.price,
    fee: execution.fee,
    multiplier: instrument.multiplier,
    wallMs: line.wallMs(),
  };
  const effects = [postFill(line, account, fill, { instrument, ref: execution.executionId })];

  let realised = ZERO_MONEY;
  for (const share of shares(line, order, { ...execution, qty: held })) {
    const before = line.holdings.of(share.holder, account, instrument.id);
    const part = afterFill(before, { ...fill, qty: share.qty, fee: share.fee });
    line.holdings.save(part.holding);
    noteShrunk(line, before, part.holding);
    effects.push(effectOf(before, part.holding));
    realised = add(realised, subtract(part.realised, share.fee));
  }
  line
    .prepare(
      `INSERT INTO executions (account_id, execution_id, order_id, agent_id, instrument_id, symbol, side, qty, price, fee,
         realised, market_time, run, posted_at, product) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      account,
      execution.executionId,
      order.orderId,
      order.agent,
      instrument.id,
      instrument.symbol,
      execution.side,
      text(execution.qty),
      text(execution.price),
      text(execution.fee),
      text(realised),
      execution.timeMs,
      run,
      line.wallMs(),
      execution.product ?? order.product ?? null,
    );
  return effects;
}

/**
 * What it changes in what is held: a fee in the coin itself leaves less of what was bought, and takes more of what was sold. Posted at
 * the price with the fee beside it, the cash is that of the whole trade.
 */
export function heldBy({ side, qty, feeQty }: Executed): Quantity {
  if (feeQty === undefined) return qty;
  return side === 'buy' ? subtract(qty, feeQty) : add(qty, feeQty);
}

/** The account's side of a fill: cash against cost, with what it realised and its fee. */
function postFill(
  line: Line,
  account: AccountId,
  fill: Fill,
  of: { readonly instrument: Instrument; readonly ref: string },
): FillEffect {
  const { instrument, ref } = of;
  const before = line.holdings.of(ACCOUNT_HOLDER, account, instrument.id);
  const { holding, realised } = afterFill(before, fill);
  line.holdings.save(holding);
  const gross = value(fill.price, fill.qty, fill.multiplier);
  const cash = fill.side === 'buy' ? negate(gross) : gross;
  post(line, account, ref, [
    ['cash', subtract(cash, fill.fee)],
    [`cost:${instrument.id}`, subtract(holding.cost, before.cost)],
    ['realised', negate(realised)],
    ['fees', fill.fee],
  ]);
  return effectOf(before, holding);
}

interface Share {
  readonly holder: string;
  readonly qty: Quantity;
  readonly fee: Money;
}

/**
 * Whose a fill is. An order's fills are its agent's; but where it was cleared under `may_reduce: account`, to close what others
 * opened, what goes beyond its agent's own position is taken from theirs, in order of name, so that nobody is left with a phantom.
 * Without that reach the position has gone meanwhile: what is left over opens the other side, and is nobody else's.
 */
function shares(line: Line, order: StoredOrder, execution: Executed): readonly Share[] {
  const all = [{ holder: order.agent, qty: execution.qty, fee: execution.fee }];
  if (order.effect === 'adding') return all;
  const parts: Share[] = [];
  let left = execution.qty;
  const take = (holder: string, position: Quantity): void => {
    if (left.eq('0') || !opposes(execution.side, position)) return;
    const qty = min(left, absolute(position));
    parts.push({ holder, qty, fee: ZERO_MONEY });
    left = subtract(left, qty);
  };
  take(order.agent, line.holdings.of(order.agent, order.account, order.instrument).qty);
  if (left.gt('0') && order.reach === 'account') {
    const others = line.holdings
      .holdersOf(order.account, order.instrument)
      .filter(({ holder }) => holder !== order.agent);
    // What a holder is selling itself is left to it while others have enough.
    const claims = line.orders.reducing({ ...order, side: execution.side });
    const signed = (qty: Quantity): Quantity => (execution.side === 'buy' ? negate(qty) : qty);
    for (const { holder, qty } of others.filter((other) => opposes(execution.side, other.qty))) {
      const own = claims.filter(({ agent }) => agent === holder);
      take(holder, signed(reducible(qty, own, line)));
    }
    for (const { holder, qty } of others) {
      const taken = parts.find((part) => part.holder === holder)?.qty ?? ZERO_QUANTITY;
      if (opposes(execution.side, qty)) take(holder, signed(subtract(absolute(qty), taken)));
    }
  }
  if (left.gt('0')) parts.push({ holder: order.agent, qty: left, fee: ZERO_MONEY });
  const [first, ...others] = merge(parts);
  return first === undefined ? all : [{ ...first, fee: execution.fee }, ...others];
}

function merge(parts: readonly Share[]): readonly Share[] {
  const byHolder = new Map<string, Share>();
  for (const part of parts) {
    const known = byHolder.get(part.holder);
    byHolder.set(part.holder, known ? { ...known, qty: add(known.qty, part.qty) } : part);
  }
  return [...byHolder.values()];
}

/** Books an account's opening: the broker's cash against capital, so that cash in the ledger equals the broker's. */
export function postOpening(line: Line, account: AccountId, cash: Money): void {
  post(line, account, `opening:${account}`, [
    ['cash', cash],
    ['capital', negate(cash)],
  ]);
}

/**
 * Takes over a position that the broker has and the ledger does not: it belongs to nobody here (`external`), at this price,
 * against capital. `qty` is signed.
 */
export function adoptPosition(
  line: Line,
  adopted: {
    readonly account: AccountId;
    readonly instrument: InstrumentId;
    readonly qty: Quantity;
    readonly at: Price;
    readonly holder: string;
  },
): void {
  const instrument = instrumentOf(line, adopted.instrument);
  const fill: Fill = {
    side: adopted.qty.gt('0') ? 'buy' : 'sell',
    qty: absolute(adopted.qty),
    price: adopted.at,
    fee: ZERO_MONEY,
    multiplier: instrument.multiplier,
    wallMs: line.wallMs(),
  };
  const before = line.holdings.of(ACCOUNT_HOLDER, adopted.account, instrument.id);
  const { holding, realised } = afterFill(before, fill);
  line.holdings.save(holding);
  line.holdings.save(
    afterFill(line.holdings.of(adopted.holder, adopted.account, instrument.id), fill).holding,
  );
  const moved = subtract(holding.cost, before.cost);
  post(line, adopted.account, `adopted:${adopted.instrument}:${line.wallMs()}`, [
    [`cost:${instrument.id}`, moved],
    ['realised', negate(realised)],
    ['capital', negate(subtract(moved, realised))],
  ]);
}
