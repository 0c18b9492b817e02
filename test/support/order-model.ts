/** What an order may do, said independently of the product: its legal ways, and what a venue must have told before each end of it. */
import type { OpenedLine } from './order-line.ts';
import type { ScriptedBroker } from './scripted-broker.ts';
import { sentTwice } from './venue-books.ts';

/** Something that was told of an order, by the venue or by the owner who read its screen. */
export type Word =
  | 'accepted'
  | 'rejected'
  | 'not sent'
  | 'working'
  | 'filled'
  | 'canceled'
  | 'expired'
  | 'executed'
  /** No such order, said when no request could be on its way any more. */
  | 'absent'
  | 'recorded by the owner';

/** The states as the design has them, written down a second time: a slip in the product's table shows here. */
export const WAYS: { readonly [from: string]: readonly string[] } = {
  '': ['received'],
  received: ['submitting', 'refused', 'pending_approval'],
  pending_approval: ['submitting', 'refused', 'canceled'],
  submitting: ['open', 'partially_filled', 'filled', 'canceled', 'rejected', 'refused', 'expired', 'unknown'],
  unknown: ['open', 'partially_filled', 'filled', 'canceled', 'rejected', 'expired'],
  open: [
    'partially_filled',
    'filled',
    'pending_replace',
    'pending_cancel',
    'canceled',
    'rejected',
    'expired',
  ],
  partially_filled: ['filled', 'pending_replace', 'pending_cancel', 'canceled', 'rejected', 'expired'],
  pending_replace: [
    'open',
    'partially_filled',
    'filled',
    'pending_cancel',
    'canceled',
    'rejected',
    'expired',
  ],
  pending_cancel: ['open', 'partially_filled', 'filled', 'canceled', 'rejected', 'expired'],
};

/** What must have been told, one of these, before an order that was sent may be so. */
const EVIDENCE: { readonly [to: string]: readonly Word[] } = {
  filled: ['executed', 'recorded by the owner'],
  partially_filled: ['executed', 'recorded by the owner'],
  canceled: ['canceled', 'absent', 'recorded by the owner'],
  expired: ['expired', 'recorded by the owner'],
  rejected: ['rejected', 'absent', 'recorded by the owner'],
  refused: ['not sent'],
  open: ['accepted', 'working', 'recorded by the owner'],
};
const SENT: ReadonlySet<string> = new Set(['submitting', 'unknown']);

export interface Told {
  add(brokerClientId: string | null, word: Word): void;
  has(brokerClientId: string, words: readonly Word[]): boolean;
}

export function toldOf(): Told {
  const words = new Set<string>();
  return {
    add: (id, word) => void words.add(`${id} ${word}`),
    has: (id, wanted) => wanted.some((word) => words.has(`${id} ${word}`)),
  };
}

export interface OrderModel {
  /** What is wrong with what happened since the last look, a sentence each. */
  look(line: OpenedLine, broker: ScriptedBroker): readonly string[];
}

interface Row {
  readonly id: number;
  readonly order_id: string;
  readonly broker_client_id: string;
  readonly status: string;
  readonly detail: string;
}

/** Follows every entry of every timeline. */
export function orderModel(told: Told): OrderModel {
  const states = new Map<string, string>();
  let lastId = 0;

  function judge(row: Row): readonly string[] {
    const before = states.get(row.order_id) ?? '';
    states.set(row.order_id, row.status);
    // A late fill, a change, a word about a leg: the state is the same.
    if (before === row.status) return [];
    const what = `${row.order_id}: ${before || 'nothing'} to ${row.status} (${row.detail})`;
    if (!(WAYS[before] ?? []).includes(row.status)) return [`no such way: ${what}`];
    if (!SENT.has(before) || row.status === 'unknown') return [];
    return told.has(row.broker_client_id, EVIDENCE[row.status] ?? []) ? [] : [`nobody told so: ${what}`];
  }

  return {
    look(line, broker) {
      const rows = line.store.db
        .prepare<[number], Row>(
          `SELECT t.id, t.order_id, broker_client_id, t.status, detail
           FROM order_timeline t JOIN orders USING (order_id) WHERE t.id > ? ORDER BY t.id`,
        )
        .all(lastId);
      lastId = rows.at(-1)?.id ?? lastId;
      return [...rows.flatMap(judge), ...sentTwice(broker), ...notReserved(line)];
    },
  };
}

/** What is unclear holds what it would take: all that has not filled, at what it was valued at. */
function notReserved({ store }: OpenedLine): readonly string[] {
  return store.db
    .prepare<[], string>(
      `SELECT order_id FROM orders JOIN reservations USING (agent_id, account_id)
       WHERE status = 'unknown' AND effect = 'adding' AND role = 'entry'
         AND (unit_value = '0' OR value = '0' OR open_orders = 0)`,
    )
    .pluck()
    .all()
    .map((id) => `unclear, and holds nothing: ${id}`);
}
