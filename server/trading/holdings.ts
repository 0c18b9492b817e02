/** Holdings: what an account and each agent own in an instrument, at average cost, exact to the last decimal. */
import {
  add,
  type Money,
  money,
  negate,
  type Price,
  price,
  proportion,
  type Quantity,
  quantity,
  type Ratio,
  subtract,
  text,
  value,
  ZERO_MONEY,
  ZERO_QUANTITY,
} from '#domain/decimal.ts';
import { type InstrumentId, instrumentId } from '#domain/instrument.ts';
import type { Side } from '#domain/order.ts';
import { type AccountId, accountId } from '#domain/principal.ts';
import type { Store } from '#store/open.ts';

/** The holder of an account's own row; agents' rows add up to it. */
export const ACCOUNT_HOLDER = '*';
/** The holder of what nobody here opened. */
export const EXTERNAL_HOLDER = 'external';

export interface Holding {
  readonly holder: string;
  readonly account: AccountId;
  readonly instrument: InstrumentId;
  /** Signed: negative is short. */
  readonly qty: Quantity;
  /** What the position cost, signed like `qty`. */
  readonly cost: Money;
  /** Gains realised since ever, before fees. */
  readonly realised: Money;
  readonly fees: Money;
  /** Last mark that was saved. */
  readonly mark: Price | null;
  readonly openedAtMs: number | null;
  readonly closedAtMs: number | null;
}

/** Whether an order on this side reduces a position of this sign. */
export const opposes = (side: Side, position: Quantity): boolean =>
  side === 'buy' ? position.lt('0') : position.gt('0');

export interface Fill {
  readonly side: Side;
  /** Positive. */
  readonly qty: Quantity;
  readonly price: Price;
  readonly fee: Money;
  readonly multiplier: Ratio;
  readonly wallMs: number;
}

export const emptyHolding = (holder: string, account: AccountId, instrument: InstrumentId): Holding => ({
  holder,
  account,
  instrument,
  qty: ZERO_QUANTITY,
  cost: ZERO_MONEY,
  realised: ZERO_MONEY,
  fees: ZERO_MONEY,
  mark: null,
  openedAtMs: null,
  closedAtMs: null,
});

/**
 * A holding after a fill at average cost. A closing part takes its proportion of the cost; the last unit takes all that is
 * left, so that nothing is lost to rounding. A fill beyond flat closes the old position and opens the other side.
 */
export function afterFill(
  holding: Holding,
  fill: Fill,
): { readonly holding: Holding; readonly realised: Money } {
  const signed = fill.side === 'buy' ? fill.qty : negate(fill.qty);
  const isAgainst = opposes(fill.side, holding.qty);
  const closing = isAgainst
    ? fill.qty.lte(holding.qty.abs())
      ? fill.qty
      : (holding.qty.abs() as Quantity)
    : ZERO_QUANTITY;
  const opening = subtract(fill.qty, closing);

  const costClosed = closing.eq('0')
    ? ZERO_MONEY
    : closing.eq(holding.qty.abs())
      ? holding.cost
      : proportion(holding.cost, closing, holding.qty.abs() as Quantity);
  const proceeds = value(fill.price, closing, fill.multiplier);
  const realised = closing.eq('0')
    ? ZERO_MONEY
    : holding.qty.gt('0')
      ? subtract(proceeds, costClosed)
      : subtract(negate(costClosed), proceeds);
  const opened = value(fill.price, opening, fill.multiplier);
  const qty = add(holding.qty, signed);
  const wasFlat = holding.qty.eq('0');
  const flips = isAgainst && opening.gt('0');
  return {
    realised,
    holding: {
      ...holding,
      qty,
      cost: add(subtract(holding.cost, costClosed), fill.side === 'buy' ? opened : negate(opened)),
      realised: add(holding.realised, realised),
      fees: add(holding.fees, fill.fee),
      mark: fill.price,
      openedAtMs: wasFlat || flips ? fill.wallMs : holding.openedAtMs,
      closedAtMs: qty.eq('0') ? fill.wallMs : null,
    },
  };
}

/** What a fill did to a holding: taken back, the holding is as if it had never been. */
export interface FillEffect {
  readonly holder: string;
  /** Signed, like the holding's. */
  readonly qty: Quantity;
  readonly cost: Money;
  readonly realised: Money;
  readonly fee: Money;
}

export const effectOf = (before: Holding, after: Holding): FillEffect => ({
  holder: after.holder,
  qty: subtract(after.qty, before.qty),
  cost: subtract(after.cost, before.cost),
  realised: subtract(after.realised, before.realised),
  fee: subtract(after.fees, before.fees),
});

/** A holding without what a fill once did to it, whatever has happened since. */
export function withoutFill(holding: Holding, effect: FillEffect, wallMs: number): Holding {
  const qty = subtract(holding.qty, effect.qty);
  return {
    ...holding,
    qty,
    cost: subtract(holding.cost, effect.cost),
    realised: subtract(holding.realised, effect.realised),
    fees: subtract(holding.fees, effect.fee),
    openedAtMs: holding.qty.eq('0') ? wallMs : holding.openedAtMs,
    closedAtMs: qty.eq('0') ? (holding.closedAtMs ?? wallMs) : null,
  };
}

/**
 * A cost that no position of this sign can have had, after a fill was taken back that later ones had built on: it is set to the
 * mark (to nothing where nothing is held), and the difference is realised. What the holding has earned stays the same.
 */
export function withSaneCost(holding: Holding, multiplier: Ratio): Holding {
  const { qty, cost, mark } = holding;
  const sane = qty.eq('0') ? cost.eq('0') : cost.times(qty).gt('0');
  if (sane) return holding;
  const at = qty.eq('0') || mark === null ? ZERO_MONEY : value(mark, qty, multiplier);
  return { ...holding, cost: at, realised: add(holding.realised, subtract(at, cost)) };
}

/** Unrealised gain at a mark. */
export function unrealised(holding: Holding, mark: Price, multiplier: Ratio): Money {
  return subtract(value(mark, holding.qty, multiplier), holding.cost);
}
/** All a holding has earned: realised − fees + unrealised. */
export function profit(holding: Holding, mark: Price | null, multiplier: Ratio): Money {
  const settled = subtract(holding.realised, holding.fees);
  return mark === null || holding.qty.eq('0') ? settled : add(settled, unrealised(holding, mark, multiplier));
}

interface HoldingRow {
  readonly holder: string;
  readonly account_id: string;
  readonly instrument_id: string;
  readonly qty: string;
  readonly cost: string;
  readonly realised: string;
  readonly fees: string;
  readonly mark: string | null;
  readonly opened_at: number | null;
  readonly closed_at: number | null;
}

const fromRow = (row: HoldingRow): Holding => ({
  holder: row.holder,
  account: accountId(row.account_id),
  instrument: instrumentId(row.instrument_id),
  qty: quantity(row.qty),
  cost: money(row.cost),
  realised: money(row.realised),
  fees: money(row.fees),
  mark: row.mark === null ? null : price(row.mark),
  openedAtMs: row.opened_at,
  closedAtMs: row.closed_at,
});

/** By holder, account and instrument; sorted here because a statement that sorts is planned anew with every call. */
const inOrder = (rows: HoldingRow[]): readonly Holding[] => {
  const place = (row: HoldingRow): string => `${row.holder} ${row.account_id} ${row.instrument_id}`;
  return rows.sort((a, b) => (place(a) < place(b) ? -1 : 1)).map(fromRow);
};

export interface HoldingTable {
  of(holder: string, account: AccountId, instrument: InstrumentId): Holding;
  save(holding: Holding): void;
  saveMark(holding: Holding, mark: Price): void;
  /** Every row of a holder, flat ones too. */
  byHolder(holder: string, account?: AccountId): readonly Holding[];
  /** Rows of all holders but the account's own. */
  holdersOf(account: AccountId, instrument: InstrumentId): readonly Holding[];
  /** The same of all accounts, or of one, flat ones too. */
  ofEverybody(account?: AccountId): readonly Holding[];
  /** Agents that hold something anywhere. */
  exposed(): readonly Holding[];
}

export function holdingTable({ db }: Store): HoldingTable {
  const of = db.prepare<[string, string, string], HoldingRow>(
    'SELECT * FROM holdings WHERE holder = ? AND account_id = ? AND instrument_id = ?',
  );
  const save = db.prepare(
    `INSERT INTO holdings (holder, account_id, instrument_id, qty, cost, realised, fees, mark, opened_at, closed_at)
     VALUES (@holder, @account_id, @instrument_id, @qty, @cost, @realised, @fees, @mark, @opened_at, @closed_at)
     ON CONFLICT DO UPDATE SET qty = excluded.qty, cost = excluded.cost, realised = excluded.realised, fees = excluded.fees,
       mark = excluded.mark, opened_at = excluded.opened_at, closed_at = excluded.closed_at`,
  );
  const saveMark = db.prepare(
    'UPDATE holdings SET mark = ? WHERE holder = ? AND account_id = ? AND instrument_id = ?',
  );
  const byHolder = db.prepare<[string, string | null, string | null], HoldingRow>(
    'SELECT * FROM holdings WHERE holder = ? AND (? IS NULL OR account_id = ?)',
  );
  const holdersOf = db.prepare<[string, string], HoldingRow>(
    `SELECT * FROM holdings INDEXED BY holdings_by_instrument WHERE account_id = ? AND instrument_id = ? AND holder <> '${ACCOUNT_HOLDER}'`,
  );
  const ofEverybody = db.prepare<[], HoldingRow>(
    `SELECT * FROM holdings WHERE holder <> '${ACCOUNT_HOLDER}'`,
  );
  const ofEverybodyIn = db.prepare<[string], HoldingRow>(
    `SELECT * FROM holdings INDEXED BY holdings_by_instrument WHERE account_id = ? AND holder <> '${ACCOUNT_HOLDER}'`,
  );
  const exposed = db.prepare<[], HoldingRow>(
    `SELECT * FROM holdings WHERE qty <> '0' AND holder <> '${ACCOUNT_HOLDER}' ORDER BY holder, account_id, instrument_id`,
  );
  return {
    of(holder, account, instrument) {
      const row = of.get(holder, account, instrument);
      return row ? fromRow(row) : emptyHolding(holder, account, instrument);
    },
    save(holding) {
      save.run({
        holder: holding.holder,
        account_id: holding.account,
        instrument_id: holding.instrument,
        qty: text(holding.qty),
        cost: text(holding.cost),
        realised: text(holding.realised),
        fees: text(holding.fees),
        mark: holding.mark ? text(holding.mark) : null,
        opened_at: holding.openedAtMs,
        closed_at: holding.closedAtMs,
      });
    },
    saveMark: (holding, mark) =>
      void saveMark.run(text(mark), holding.holder, holding.account, holding.instrument),
    byHolder: (holder, account) => inOrder(byHolder.all(holder, account ?? null, account ?? null)),
    holdersOf: (account, instrument) => inOrder(holdersOf.all(account, instrument)),
    ofEverybody: (account) => inOrder(account === undefined ? ofEverybody.all() : ofEverybodyIn.all(account)),
    exposed: () => exposed.all().map(fromRow),
  };
}
