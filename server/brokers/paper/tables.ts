/** The venue's books in the database: one account's state, orders, history and journal, written as JSON of decimal strings. */
import { z } from 'zod';
import { money, price, quantity, ratio } from '#domain/decimal.ts';
import { instrumentId } from '#domain/instrument.ts';
import { ORDER_TYPES, PRODUCTS, SIDES, TIMES_IN_FORCE } from '#domain/order.ts';
import type { AccountId } from '#domain/principal.ts';
import type { BrokerExecution, BrokerRestart, BrokerSettlement } from '#ports.ts';
import type { Store } from '#store/open.ts';
import { type AccountState, type Book, isFinalStatus, type PaperOrder } from './book.ts';

const asPrice = z.string().transform(price);
const asQuantity = z.string().transform(quantity);
const asMoney = z.string().transform(money);
const asInstrument = z.string().transform(instrumentId);

const accountState = z.strictObject({
  currency: z.string(),
  cash: asMoney,
  fees: asMoney,
  positions: z
    .array(
      z.tuple([
        asInstrument,
        z.strictObject({
          qty: asQuantity,
          cost: asMoney,
          realised: asMoney,
          lastPrice: asPrice.nullable(),
          product: z.enum(PRODUCTS).nullable().default(null),
          fresh: z.strictObject({ date: z.string(), qty: asQuantity }).nullable().default(null),
        }),
      ]),
    )
    .transform((entries) => new Map(entries)),
  taken: z.array(
    z.strictObject({
      instrument: asInstrument,
      side: z.enum(['bid', 'ask']),
      price: asPrice,
      size: asQuantity,
      taken: asQuantity,
    }),
  ),
  orders: z.int(),
  executions: z.int(),
  settlements: z.int(),
  history: z.int(),
  journal: z.int(),
  requests: z.int(),
});

const paperOrder = z.strictObject({
  number: z.int(),
  brokerOrderId: z.string(),
  brokerClientId: z.string(),
  instrument: asInstrument,
  side: z.enum(SIDES),
  type: z.enum(ORDER_TYPES),
  timeInForce: z.enum(TIMES_IN_FORCE),
  postOnly: z.boolean(),
  reduceOnly: z.boolean(),
  extendedHours: z.boolean(),
  product: z.enum(PRODUCTS).nullable().default(null),
  role: z.enum(['entry', 'take_profit', 'stop_loss']),
  entry: z.int().nullable(),
  legs: z.array(z.int()),
  qty: asQuantity,
  limitPrice: asPrice.nullable(),
  stopPrice: asPrice.nullable(),
  trail: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('price'), distance: asPrice }),
      z.strictObject({ kind: z.literal('percent'), percent: z.string().transform(ratio) }),
    ])
    .nullable(),
  filledQty: asQuantity,
  status: z.enum(['open', 'partially_filled', 'filled', 'canceled', 'rejected', 'refused', 'expired']),
  reason: z.string().nullable(),
  held: z.boolean(),
  waitSteps: z.int(),
  arrived: z.boolean(),
  elected: z.boolean(),
  best: asPrice.nullable(),
  activeSince: z.string().nullable(),
  timeMs: z.number(),
});

/** In this order, wherever the object came from: the same order is the same bytes before and after a restart. */
const ORDER_KEYS = [...Object.keys(paperOrder.shape), 'kind', 'distance', 'percent'];

const execution = z.strictObject({
  executionId: z.string(),
  brokerOrderId: z.string(),
  brokerClientId: z.string().nullable(),
  instrument: asInstrument,
  side: z.enum(SIDES),
  qty: asQuantity,
  price: asPrice,
  fee: asMoney,
  timeMs: z.number(),
});

const settlement = z.strictObject({
  settlementId: z.string(),
  instrument: asInstrument,
  qty: asQuantity.optional(),
  price: asPrice,
  detail: z.string(),
  timeMs: z.number(),
});

const restart = z.strictObject({
  restartId: z.string(),
  cash: asMoney,
  detail: z.string(),
  timeMs: z.number(),
});

export interface History {
  readonly executions: readonly BrokerExecution[];
  readonly settlements: readonly BrokerSettlement[];
  readonly restarts: readonly BrokerRestart[];
  readonly cursor: string;
}

export interface PaperTables {
  state(): AccountState | undefined;
  openOrders(): readonly PaperOrder[];
  orderByClientId(brokerClientId: string): PaperOrder | undefined;
  orderByBrokerId(brokerOrderId: string): PaperOrder | undefined;
  /** Writes what an operation changed; inside its transaction. Nothing changed: nothing is written. */
  save(book: Book): void;
  history(afterSeq: number): History;
  journal(): readonly string[];
}

export function paperTables(store: Store, account: AccountId): PaperTables {
  const { db } = store;
  const readState = db
    .prepare<[string], string>('SELECT state FROM paper_accounts WHERE account_id = ?')
    .pluck();
  const writeState = db.prepare(
    'INSERT INTO paper_accounts (account_id, state) VALUES (?, ?) ON CONFLICT (account_id) DO UPDATE SET state = excluded.state',
  );
  const readOpen = db
    .prepare<[string], string>('SELECT state FROM paper_orders WHERE account_id = ? AND open = 1')
    .pluck();
  const readByClient = db
    .prepare<[string, string], string>(
      'SELECT state FROM paper_orders WHERE account_id = ? AND broker_client_id = ?',
    )
    .pluck();
  const readByBroker = db
    .prepare<[string, string], string>(
      'SELECT state FROM paper_orders WHERE account_id = ? AND broker_order_id = ?',
    )
    .pluck();
  const writeOrder = db.prepare(
    'INSERT INTO paper_orders (account_id, broker_order_id, broker_client_id, open, state) VALUES (?, ?, ?, ?, ?)' +
      ' ON CONFLICT (account_id, broker_order_id) DO UPDATE SET open = excluded.open, state = excluded.state',
  );
  const writeJournal = db.prepare('INSERT INTO paper_journal (account_id, seq, line) VALUES (?, ?, ?)');
  const readJournal = db
    .prepare<[string], string>('SELECT line FROM paper_journal WHERE account_id = ? ORDER BY seq')
    .pluck();
  const writeHistory = db.prepare(
    'INSERT INTO paper_history (account_id, seq, kind, state) VALUES (?, ?, ?, ?)',
  );
  const readHistory = db.prepare<[string, number], { seq: number; kind: string; state: string }>(
    'SELECT seq, kind, state FROM paper_history WHERE account_id = ? AND seq > ? ORDER BY seq',
  );
  const order = (state: string | undefined): PaperOrder | undefined =>
    state === undefined ? undefined : paperOrder.parse(JSON.parse(state));

  return {
    state() {
      const state = readState.get(account);
      return state === undefined ? undefined : accountState.parse(JSON.parse(state));
    },
    openOrders: () =>
      readOpen
        .all(account)
        .map((state) => paperOrder.parse(JSON.parse(state)))
        .sort((a, b) => a.number - b.number),
    orderByClientId: (id) => order(readByClient.get(account, id)),
    orderByBrokerId: (id) => order(readByBroker.get(account, id)),
    save(book) {
      const { changes } = book;
      for (const one of changes.orders) {
        const open = isFinalStatus(one.status) ? 0 : 1;
        writeOrder.run(account, one.brokerOrderId, one.brokerClientId, open, JSON.stringify(one, ORDER_KEYS));
      }
      for (const { seq, line } of changes.journal) writeJournal.run(account, seq, line);
      for (const { seq, kind, state } of changes.history) {
        writeHistory.run(account, seq, kind, JSON.stringify(state));
      }
      if (changes.account) writeState.run(account, stateText(book.state));
    },
    history(afterSeq) {
      const rows = readHistory.all(account, afterSeq);
      return {
        executions: rows.flatMap((row) =>
          row.kind === 'execution' ? execution.parse(JSON.parse(row.state)) : [],
        ),
        settlements: rows.flatMap((row) =>
          row.kind === 'settlement' ? settlement.parse(JSON.parse(row.state)) : [],
        ),
        restarts: rows.flatMap((row) => (row.kind === 'restart' ? restart.parse(JSON.parse(row.state)) : [])),
        cursor: String(rows.at(-1)?.seq ?? afterSeq),
      };
    },
    journal: () => readJournal.all(account),
  };
}

/** Maps do not survive JSON. */
function stateText(state: AccountState): string {
  return JSON.stringify({ ...state, positions: [...state.positions] });
}
