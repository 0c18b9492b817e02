/** The tables of what the owner recorded: evidence by order, and fills until the broker's own take their place. */
import { type Money, money, type Price, price, type Quantity, quantity, text } from '#domain/decimal.ts';
import type { AccountId } from '#domain/principal.ts';
import { PAGE_MAX } from '#limits.ts';
import type { FillEffect } from './holdings.ts';
import type { Line } from './line.ts';
import type { Evidence, EvidenceOutcome, EvidenceRecord } from './owner-desk.ts';

interface EvidenceRow {
  readonly id: string;
  readonly outcome: EvidenceOutcome;
  readonly source: string;
  readonly text: string;
  readonly observed_at: number;
  readonly recorded_at: number;
  readonly door: string;
  readonly broker_said: string | null;
}

export function insertEvidence(
  line: Line,
  { id, account }: { readonly id: string; readonly account: AccountId },
  evidence: Evidence,
): void {
  line
    .prepare(
      `INSERT INTO evidence (id, order_id, account_id, outcome, source, text, observed_at, recorded_at, door)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      id,
      evidence.orderId,
      account,
      evidence.outcome,
      evidence.source,
      evidence.text,
      evidence.observedAtMs,
      line.wallMs(),
      evidence.by.door,
    );
}

/** Oldest first. */
export const evidenceOf = (line: Line, orderId: string): readonly EvidenceRecord[] =>
  rowsOf(line, orderId).map((row) => ({
    id: row.id,
    outcome: row.outcome,
    source: row.source,
    text: row.text,
    observedAtMs: row.observed_at,
    recordedAtMs: row.recorded_at,
    door: row.door,
    brokerSaid: row.broker_said,
  }));

const rowsOf = (line: Line, orderId: string): readonly EvidenceRow[] =>
  line
    .prepare<[string, number], EvidenceRow>(
      'SELECT * FROM evidence WHERE order_id = ? ORDER BY recorded_at, id LIMIT ?',
    )
    .all(orderId, PAGE_MAX);

/** The evidence of an order that its broker has not said anything to yet; the newest. */
export const unheardOf = (line: Line, orderId: string): EvidenceRecord | undefined =>
  evidenceOf(line, orderId).findLast(({ brokerSaid }) => brokerSaid === null);
export const hasUnheard = (line: Line, orderId: string): boolean => unheardOf(line, orderId) !== undefined;

/** Orders of an account whose broker has not said anything to what the owner recorded of them. */
export const unheardIn = (line: Line, account: AccountId): readonly string[] =>
  line
    .prepare<[string, number], { order_id: string }>(
      `SELECT DISTINCT order_id FROM evidence INDEXED BY evidence_unheard
       WHERE account_id = ? AND broker_said IS NULL LIMIT ?`,
    )
    .all(account, PAGE_MAX)
    .map((row) => row.order_id);

export function noteHeard(line: Line, orderId: string, said: string): void {
  line
    .prepare('UPDATE evidence SET broker_said = ? WHERE order_id = ? AND broker_said IS NULL')
    .run(said, orderId);
}

/** A recorded fill, as far as the broker has not told it itself. */
export interface RecordedRow {
  readonly executionId: string;
  readonly orderId: string;
  readonly day: string;
  readonly qty: Quantity;
  readonly price: Price;
  readonly fee: Money;
  readonly effects: readonly FillEffect[];
}

interface RecordedColumns {
  readonly execution_id: string;
  readonly order_id: string;
  readonly day: string;
  readonly qty: string;
  readonly price: string;
  readonly fee: string;
  readonly effects: string;
}

const fromColumns = (row: RecordedColumns): RecordedRow => ({
  executionId: row.execution_id,
  orderId: row.order_id,
  day: row.day,
  qty: quantity(row.qty),
  price: price(row.price),
  fee: money(row.fee),
  effects: (JSON.parse(row.effects) as readonly Record<keyof FillEffect, string>[]).map((effect) => ({
    holder: effect.holder,
    qty: quantity(effect.qty),
    cost: money(effect.cost),
    realised: money(effect.realised),
    fee: money(effect.fee),
  })),
});

const effectsText = (effects: readonly FillEffect[]): string =>
  JSON.stringify(
    effects.map(({ holder, qty, cost, realised, fee }) => ({
      holder,
      qty: text(qty),
      cost: text(cost),
      realised: text(realised),
      fee: text(fee),
    })),
  );

/** An id that was read before and taken back since may be read again: nothing is left of the row then. */
export function insertRecorded(line: Line, account: AccountId, row: RecordedRow): void {
  line
    .prepare(
      `INSERT INTO recorded_fills (account_id, execution_id, order_id, day, qty, price, fee, effects)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET order_id = excluded.order_id, day = excluded.day, qty = excluded.qty, price = excluded.price,
         fee = excluded.fee, effects = excluded.effects, replaced_by = NULL`,
    )
    .run(
      account,
      row.executionId,
      row.orderId,
      row.day,
      text(row.qty),
      text(row.price),
      text(row.fee),
      effectsText(row.effects),
    );
}

/** What is left of a recorded fill; null: the broker told no execution for it. */
export function reduceRecorded(
  line: Line,
  account: AccountId,
  row: RecordedRow,
  replacedBy: string | null,
): void {
  line
    .prepare(
      `UPDATE recorded_fills SET qty = ?, fee = ?, effects = ?, replaced_by = coalesce(?, replaced_by)
       WHERE account_id = ? AND execution_id = ?`,
    )
    .run(text(row.qty), text(row.fee), effectsText(row.effects), replacedBy, account, row.executionId);
}

export function recordedById(line: Line, account: AccountId, executionId: string): RecordedRow | undefined {
  const row = line
    .prepare<[string, string], RecordedColumns>(
      `SELECT * FROM recorded_fills WHERE account_id = ? AND execution_id = ? AND qty <> '0'`,
    )
    .get(account, executionId);
  return row && fromColumns(row);
}

/** Of an order, as they were recorded. */
export const recordedLeft = (line: Line, orderId: string): readonly RecordedRow[] =>
  line
    .prepare<[string], RecordedColumns>(`SELECT * FROM recorded_fills WHERE order_id = ? AND qty <> '0'`)
    .all(orderId)
    .map(fromColumns)
    .sort((a, b) => (a.executionId < b.executionId ? -1 : 1));

/** Orders in an account that have recorded fills left, newest first. */
export const ordersRecorded = (line: Line, account: AccountId): readonly string[] =>
  line
    .prepare<[string], { order_id: string }>(
      `SELECT DISTINCT r.order_id FROM recorded_fills r JOIN orders o ON o.order_id = r.order_id
       WHERE r.account_id = ? AND r.qty <> '0' ORDER BY o.seq DESC`,
    )
    .all(account)
    .map((row) => row.order_id);
