/** Says where the gateway's books and those of a scripted venue do not tell the same story, in sentences; whole books give none. */
import Big from 'big.js';
import type { Store } from '#store/open.ts';
import { reservedValue } from '#trading/order-rows.ts';
import { orderTable } from '#trading/orders.ts';
import type { ScriptedBroker } from './scripted-broker.ts';

type Row = Readonly<Record<string, string | number | null>>;

/** Each gives no row in whole books, when nothing is on its way. */
const NEVER: { readonly [what: string]: string } = {
  'an order that is still unclear': `SELECT order_id, status FROM orders
    WHERE status IN ('received', 'submitting', 'unknown', 'pending_replace', 'pending_cancel')`,
  'one intention with two orders': `SELECT tag, count(*) AS orders FROM orders
    WHERE tag IS NOT NULL AND role = 'entry' GROUP BY tag HAVING count(*) > 1`,
  'an order of ours that was taken for a stranger’s': `SELECT order_id FROM orders WHERE origin = 'external'`,
  'a fill of nobody’s order': `SELECT execution_id FROM executions WHERE agent_id = 'external'`,
  'an event of the record that tells of a gap': `SELECT seq, kind FROM audit
    WHERE kind IN ('reconcile.mismatch', 'broker.event_failed')`,
};

/** `wholeAt` is a moment when every question has been answered: events told, answers given, the broker asked. */
export function venueFaults(store: Store, broker: ScriptedBroker): readonly string[] {
  const rows = (sql: string): readonly Row[] => store.db.prepare<[], Row>(sql).all();
  const found = Object.entries(NEVER).flatMap(([what, sql]) =>
    rows(sql).map((row) => `${what}: ${JSON.stringify(row)}`),
  );
  return [
    ...found,
    ...sentTwice(broker),
    ...ordersDiffer(rows, broker),
    ...fillsDiffer(rows, broker),
    ...sumsDiffer(store, rows, broker),
  ];
}

/** The one that needs no moment of rest: it holds at any time. */
export function sentTwice({ sent }: Pick<ScriptedBroker, 'sent'>): readonly string[] {
  return sent.place
    .filter((id, at) => sent.place.indexOf(id) !== at)
    .map((id) => `an order that was sent twice: ${id}`);
}

const NEVER_TAKEN: ReadonlySet<unknown> = new Set(['refused', 'rejected']);

function ordersDiffer(rows: (sql: string) => readonly Row[], broker: ScriptedBroker): readonly string[] {
  const theirs = new Map(broker.everyOrder().map((order) => [order.brokerClientId, order]));
  const found: string[] = [];
  for (const row of rows(
    'SELECT order_id, broker_client_id, status, qty, limit_price, filled_qty FROM orders',
  )) {
    const id = String(row['broker_client_id']);
    const told = theirs.get(id);
    theirs.delete(id);
    if (told === undefined) {
      if (!NEVER_TAKEN.has(row['status']))
        found.push(`an order that the venue does not know: ${JSON.stringify(row)}`);
      continue;
    }
    // One that was filled while its change was on the way keeps the terms that it was known by.
    const working = told.status === 'open' || told.status === 'partially_filled';
    const same =
      row['status'] === told.status &&
      row['filled_qty'] === told.filledQty.toFixed() &&
      row['qty'] === told.qty.toFixed() &&
      (!working || row['limit_price'] === (told.limitPrice?.toFixed() ?? null));
    if (!same)
      found.push(
        `two stories of one order: ${JSON.stringify(row)}, there ${told.status} ${told.qty.toFixed()} at ${told.limitPrice?.toFixed()}, filled ${told.filledQty.toFixed()}`,
      );
  }
  for (const id of theirs.keys()) found.push(`an order of the venue that the gateway does not know: ${id}`);
  return found;
}

function fillsDiffer(rows: (sql: string) => readonly Row[], broker: ScriptedBroker): readonly string[] {
  const line = (id: string, order: string, side: string, terms: string): string =>
    `${id} of ${order}: ${side} ${terms}`;
  const ours = rows(
    'SELECT execution_id, broker_client_id, e.side, e.qty, e.price FROM executions e JOIN orders o USING (order_id)',
  ).map((row) =>
    line(
      String(row['execution_id']),
      String(row['broker_client_id']),
      String(row['side']),
      `${row['qty']} at ${row['price']}`,
    ),
  );
  const theirs = broker.executions.map((one) =>
    line(
      one.executionId,
      String(one.brokerClientId),
      one.side,
      `${one.qty.toFixed()} at ${one.price.toFixed()}`,
    ),
  );
  return [
    ...theirs.filter((one) => !ours.includes(one)).map((one) => `a fill that was lost: ${one}`),
    ...ours.filter((one) => !theirs.includes(one)).map((one) => `a fill that never was: ${one}`),
  ];
}

function sumsDiffer(
  store: Store,
  rows: (sql: string) => readonly Row[],
  broker: ScriptedBroker,
): readonly string[] {
  const sum = (values: readonly unknown[]): Big =>
    values.reduce<Big>((total, one) => total.plus(String(one)), new Big(0));
  const column = (sql: string): readonly unknown[] => rows(sql).map((row) => Object.values(row)[0]);
  const signed = broker.executions.map(({ side, qty }) => (side === 'buy' ? qty : qty.times('-1')));
  const spent = broker.executions.map(({ side, qty, price }) =>
    qty.times(price).times(side === 'buy' ? '-1' : '1'),
  );
  const working = orderTable(store).working({});
  const pairs: readonly (readonly [string, Big, Big])[] = [
    ['the account’s position', sum(column(`SELECT qty FROM holdings WHERE holder = '*'`)), sum(signed)],
    ['what holders have', sum(column(`SELECT qty FROM holdings WHERE holder <> '*'`)), sum(signed)],
    [
      'cash',
      sum(column(`SELECT amount FROM ledger_balances WHERE entry = 'cash'`)),
      sum(spent).plus(broker.cash),
    ],
    ['the ledger', sum(column('SELECT amount FROM ledger')), new Big(0)],
    ['what is reserved', sum(column('SELECT value FROM reservations')), sum(working.map(reservedValue))],
    [
      'open orders that count',
      sum(column('SELECT open_orders FROM reservations')),
      new Big(working.filter(({ role }) => role === 'entry').length),
    ],
  ];
  return pairs
    .filter(([, ours, theirs]) => !ours.eq(theirs))
    .map(([what, ours, theirs]) => `${what}: ${ours.toFixed()} here, ${theirs.toFixed()} there`);
}
