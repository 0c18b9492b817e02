/** What agents had filled without a human's word, by side of an instrument and mandate day: the total that an approval rule looks at. */
import { add, type Money, money, price, quantity, text, value } from '#domain/decimal.ts';
import { type InstrumentId, instrumentId } from '#domain/instrument.ts';
import type { Side } from '#domain/order.ts';
import { type AgentId, agentId } from '#domain/principal.ts';
import type { Store } from '#store/open.ts';
import { instrumentOf, type Line } from './line.ts';

export interface UnapprovedOf {
  readonly agent: AgentId;
  readonly instrument: InstrumentId;
  readonly side: Side;
  readonly day: string;
}

export interface UnapprovedTotals {
  of(asked: UnapprovedOf): Money;
  /** Inside the transaction that posts the fill. */
  add(to: UnapprovedOf, value: Money): void;
}

/** A total, so that no order looks through the fills of a day. */
export function unapprovedTotals({ db }: Store): UnapprovedTotals {
  const read = db
    .prepare<string[], string>(
      'SELECT value FROM unapproved_usage WHERE agent_id = ? AND instrument_id = ? AND side = ? AND day = ?',
    )
    .pluck();
  const write = db.prepare(
    `INSERT INTO unapproved_usage (agent_id, instrument_id, side, day, value) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET value = excluded.value`,
  );
  const of = ({ agent, instrument, side, day }: UnapprovedOf): Money =>
    money(read.get(agent, instrument, side, day) ?? '0');
  return {
    of,
    add: (to, value) => void write.run(to.agent, to.instrument, to.side, to.day, text(add(of(to), value))),
  };
}

const KEPT = 'unapproved_usage';

interface FillRow {
  readonly agent_id: string;
  readonly instrument_id: string;
  readonly side: Side;
  readonly price: string;
  readonly qty: string;
  readonly posted_at: number;
  readonly counts: 0 | 1;
}

/** Once: books from before the totals were kept. The mandate day is the owner's zone's, which no migration knows. */
export function keepUnapproved(line: Line): void {
  if (line.settings.get(KEPT) !== undefined) return;
  const day = line.access.mandateDay(line.wallMs());
  line.store.transaction(() => {
    const totals = unapprovedTotals(line.store);
    for (const row of fillsOf(line, day)) {
      const instrument = instrumentOf(line, instrumentId(row.instrument_id));
      totals.add(
        { agent: agentId(row.agent_id), instrument: instrument.id, side: row.side, day },
        value(price(row.price), quantity(row.qty), instrument.multiplier),
      );
    }
    line.settings.set(KEPT, 'kept');
  });
}

function fillsOf(line: Line, day: string): readonly FillRow[] {
  const newestFirst = line.prepare<[], FillRow>(
    `SELECT e.agent_id, e.instrument_id, e.side, e.price, e.qty, e.posted_at,
       o.effect = 'adding' AND o.approval_id IS NULL AS counts
     FROM executions e JOIN orders o ON o.order_id = e.order_id ORDER BY e.seq DESC`,
  );
  const rows: FillRow[] = [];
  for (const row of newestFirst.iterate()) {
    if (line.access.mandateDay(row.posted_at) !== day) break;
    if (row.counts === 1) rows.push(row);
  }
  return rows;
}
