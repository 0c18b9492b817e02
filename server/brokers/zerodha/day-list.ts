/** What Kite has told of orders and triggers, the newest word on each, and the name that each has for us. */
import { z } from 'zod';
import type { BrokerDirectory } from '#brokers/broker.ts';
import type { Exact } from '#brokers/exact-json.ts';
import { KITE_CLOCK_SKEW_MS, KITE_IDS_MAX, KITE_ORDERS_KEPT_MAX, KITE_PARENT_LOOK_MS } from '#limits.ts';
import type { BrokerOrder, Clock } from '#ports.ts';
import { type KiteClient, KiteQuestionError } from './client.ts';
import { childOf, type KiteGtt, kiteGtt, ordersOfGtt } from './gtt.ts';
import { fromIst } from './kite-time.ts';
import type { KiteMemory } from './memory.ts';
import { brokerSymbolOf, type Ids, isOlder, type KiteOrder, kiteOrder, orderOf, statusOf } from './rows.ts';
import { clientIdOf } from './tag.ts';

export interface DayList {
  /** Asks for the day's orders. */
  list(): Promise<readonly KiteOrder[]>;
  /** Asks for the triggers. */
  triggers(): Promise<readonly KiteGtt[]>;
  /** Asks for one trigger, and for the day's orders where what it placed is not known. */
  trigger(id: string): Promise<KiteGtt>;
  row(orderId: string): KiteOrder | undefined;
  /** false: it is older than what is known. */
  keep(row: KiteOrder): boolean;
  /** What its tag, or what was written down, says; null: it is not ours. */
  clientOf(row: KiteOrder): string | null;
  nameOf(row: KiteOrder): Ids;
  /**
   * Asks for the triggers where it may be what one of them placed. Nothing on an order names its trigger for certain, so what is not
   * ours by its tag is looked for once, and again while it is young: an owner's many orders cost one question.
   */
  lookForParent(row: KiteOrder): Promise<void>;
  /** Whether a trigger is known to have placed it. */
  isChild(orderId: string): boolean;
  /** A child under its trigger's name and terms; undefined: it is of nothing that is listed here. */
  translated(row: KiteOrder): BrokerOrder | undefined;
  /** An order for each leg, what it placed in its place. */
  ofTrigger(gtt: KiteGtt): readonly BrokerOrder[];
  /** Ids of ours by tags that can not be read back. */
  readonly tags: Map<string, string>;
  /** What was left out, by name. */
  readonly strange: Set<string>;
}

export interface DayListOptions {
  readonly client: KiteClient;
  readonly memory: KiteMemory;
  readonly directory: BrokerDirectory;
  readonly clock: Clock;
}

/** Rows by a schema; one that can not be read makes the whole answer unusable, since it may be the one that is asked for. */
export function rowsOf<S extends z.ZodType>(schema: S, data: Exact): z.output<S>[] {
  const told = z.array(schema).safeParse(data);
  if (!told.success) throw new KiteQuestionError('Kite’s answer was not understood.');
  return told.data;
}

/** What its legs have placed. */
const childrenOf = (gtt: KiteGtt): readonly (readonly [string, number])[] =>
  [...gtt.orders.keys()].flatMap((leg) => {
    const child = childOf(gtt, leg);
    return child === undefined ? [] : [[child, leg] as const];
  });

function keepNewest(known: Map<string, KiteOrder>, row: KiteOrder): boolean {
  const before = known.get(row.order_id);
  if (before !== undefined && isOlder(row, before)) return false;
  known.delete(row.order_id);
  known.set(row.order_id, row);
  const oldest = known.size > KITE_ORDERS_KEPT_MAX ? known.keys().next().value : undefined;
  if (oldest !== undefined) known.delete(oldest);
  return true;
}

export function openDayList({ client, memory, directory, clock }: DayListOptions): DayList {
  const known = new Map<string, KiteOrder>();
  /** Orders at the exchange by the trigger, and its leg, that placed them. */
  const parents = new Map<string, { readonly gtt: KiteGtt; readonly leg: number }>();
  const tags = new Map<string, string>();
  const strange = new Set<string>();
  /** Those that the triggers were asked for, and when last. */
  const looked = new Set<string>();
  let lookedMs = Number.NEGATIVE_INFINITY;

  const noteChildren = (gtt: KiteGtt): void => {
    for (const [child, leg] of childrenOf(gtt)) parents.set(child, { gtt, leg });
  };
  const leaveOut = (what: string): undefined => {
    if (strange.size < KITE_IDS_MAX) strange.add(what);
    return undefined;
  };

  const day: DayList = {
    tags,
    strange,
    row: (orderId) => known.get(orderId),
    isChild: (orderId) => parents.has(orderId),
    keep: (row) => keepNewest(known, row),
    async list() {
      const rows = rowsOf(kiteOrder, await client.read({ path: '/orders' }));
      for (const row of rows) day.keep(row);
      return rows.map((row) => known.get(row.order_id) ?? row);
    },
    async triggers() {
      const gtts = rowsOf(kiteGtt, await client.read({ path: '/gtt/triggers' }));
      for (const gtt of gtts) noteChildren(gtt);
      lookedMs = clock.monotonicMs();
      looked.clear();
      for (const orderId of known.keys()) looked.add(orderId);
      return gtts;
    },
    async trigger(id) {
      const [gtt] = rowsOf(kiteGtt, [await client.read({ path: `/gtt/triggers/${id}` })]);
      if (gtt === undefined) throw new KiteQuestionError('Kite’s answer was not understood.');
      noteChildren(gtt);
      if (childrenOf(gtt).some(([child]) => !known.has(child))) await day.list();
      return gtt;
    },
    async lookForParent(row) {
      if (day.clientOf(row) !== null || parents.has(row.order_id)) return;
      const ageMs = clock.wallMs() - (fromIst(row.order_timestamp ?? '') ?? 0);
      const isYoung = ageMs < KITE_CLOCK_SKEW_MS && clock.monotonicMs() - lookedMs >= KITE_PARENT_LOOK_MS;
      if (!looked.has(row.order_id) || isYoung) await day.triggers();
    },
    clientOf(row) {
      const tag = row.tag ?? '';
      return memory.clientIdOf(row.order_id) ?? clientIdOf(tag) ?? tags.get(tag) ?? null;
    },
    nameOf(row) {
      const parent = parents.get(row.order_id);
      if (parent === undefined) return { brokerOrderId: row.order_id, brokerClientId: day.clientOf(row) };
      const { gtt, leg } = parent;
      const brokerOrderId = gtt.orders.length === 1 ? `gtt:${gtt.id}` : `gtt:${gtt.id}:${leg}`;
      return { brokerOrderId, brokerClientId: memory.clientIdOf(brokerOrderId) ?? null };
    },
    translated(row) {
      const listing = directory.bySymbol(brokerSymbolOf(row));
      if (listing === undefined) return leaveOut(brokerSymbolOf(row));
      const ids = day.nameOf(row);
      const parent = parents.get(row.order_id);
      try {
        const order = orderOf(row, listing.instrument.id, ids);
        if (parent === undefined) return order;
        const { qty, filledQty, timeMs } = order;
        const whole = ordersOfGtt(parent.gtt, listing.instrument.id, ids.brokerClientId)[parent.leg];
        return whole && { ...whole, ...ids, qty, filledQty, status: statusOf(row), timeMs };
      } catch (cause) {
        return leaveOut((cause as Error).message);
      }
    },
    ofTrigger(gtt) {
      const listing = directory.bySymbol(brokerSymbolOf(gtt.condition));
      if (listing === undefined) return leaveOut(brokerSymbolOf(gtt.condition)) ?? [];
      const clientId = memory.clientIdOf(`gtt:${gtt.id}`) ?? null;
      return ordersOfGtt(gtt, listing.instrument.id, clientId).map((order, leg) => {
        const row = known.get(childOf(gtt, leg) ?? '');
        return (row && day.translated(row)) ?? order;
      });
    },
  };
  return day;
}
