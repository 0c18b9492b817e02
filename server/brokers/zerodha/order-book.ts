/** Questions about orders: the day's list and the triggers, one order by our id or by Kite's, and what a word on the stream means. */
import { KITE_CLOCK_SKEW_MS } from '#limits.ts';
import type { BrokerOrder, Clock } from '#ports.ts';
import { KiteQuestionError } from './client.ts';
import type { DayList } from './day-list.ts';
import { fingerprintOfRow, gttIdOf, type KiteGtt } from './gtt.ts';
import { fromIst, istDate } from './kite-time.ts';
import type { GttIntent, KiteMemory } from './memory.ts';
import { brokerSymbolOf, type Ids, isFinalRow, type KiteOrder } from './rows.ts';
import { madeAtMs, tagOf } from './tag.ts';

export interface KiteOrders {
  openOrders(): Promise<readonly BrokerOrder[]>;
  orderByClientId(clientId: string): Promise<BrokerOrder | undefined>;
  /** The order as it is now; undefined: Kite does not list it. */
  byBrokerId(brokerOrderId: string): Promise<BrokerOrder | undefined>;
  /** A word on the stream; undefined: it is older than what is known, or of what is not listed here. */
  hear(row: KiteOrder): Promise<BrokerOrder | undefined>;
  /** What an order at the exchange is called here. Asks for the day's list where it is not known. */
  idsOf(orderId: string): Promise<Ids>;
  /** The row as last told; asks where none was. */
  rowOf(orderId: string): Promise<KiteOrder | undefined>;
  triggers(): Promise<readonly KiteGtt[]>;
  /** An id of ours that was given away, so that its tag is known again. */
  gave(clientId: string): void;
}

interface Sources {
  readonly day: DayList;
  readonly memory: KiteMemory;
  readonly clock: Clock;
}

export function openOrders(sources: Sources): KiteOrders {
  const { day, memory } = sources;
  const orders: KiteOrders = {
    triggers: () => day.triggers(),
    gave: (clientId) => void day.tags.set(tagOf(clientId), clientId),
    async openOrders() {
      const [gtts, rows] = await Promise.all([day.triggers(), day.list()]);
      day.strange.clear();
      const plain = rows.flatMap((row) =>
        isFinalRow(row) || day.isChild(row.order_id) ? [] : (day.translated(row) ?? []),
      );
      const triggers = gtts.filter(({ status }) => status === 'active' || status === 'triggered');
      return [...plain, ...triggers.flatMap((one) => day.ofTrigger(one))].filter(isWorking);
    },
    async orderByClientId(clientId) {
      orders.gave(clientId);
      const brokerId = memory.brokerIdOf(clientId);
      const intent = memory.intents().get(clientId);
      if (brokerId !== undefined && gttIdOf(brokerId) !== undefined) return orders.byBrokerId(brokerId);
      if (intent === undefined) return ofTheDay(sources, clientId, brokerId);
      const found = await unclearTrigger(sources, clientId, intent);
      return found === undefined ? undefined : orders.byBrokerId(found);
    },
    async byBrokerId(brokerOrderId) {
      const id = gttIdOf(brokerOrderId);
      if (id !== undefined)
        return day.ofTrigger(await day.trigger(id)).find((order) => order.brokerOrderId === brokerOrderId);
      const row = (await day.list()).find(({ order_id }) => order_id === brokerOrderId);
      return row && mustBeKnown(day, row);
    },
    async hear(row) {
      if (!day.keep(row)) return undefined;
      await day.lookForParent(row);
      return day.translated(row);
    },
    async idsOf(orderId) {
      const row = await orders.rowOf(orderId);
      if (row === undefined)
        return { brokerOrderId: orderId, brokerClientId: memory.clientIdOf(orderId) ?? null };
      await day.lookForParent(row);
      return day.nameOf(row);
    },
    async rowOf(orderId) {
      if (day.row(orderId) === undefined) await day.list();
      return day.row(orderId);
    },
  };
  return orders;
}

const isWorking = ({ status }: BrokerOrder): boolean => status === 'open' || status === 'partially_filled';

async function ofTheDay(
  { day, clock }: Sources,
  clientId: string,
  brokerId: string | undefined,
): Promise<BrokerOrder | undefined> {
  const mine = (await day.list()).find((row) => row.tag === tagOf(clientId) || row.order_id === brokerId);
  if (mine !== undefined) return mustBeKnown(day, mine);
  const madeMs = madeAtMs(clientId);
  const isOfToday = madeMs !== undefined && istDate(madeMs) === istDate(clock.wallMs());
  // One that Kite took on an earlier day works no more, but may have filled after it was last seen: its trades are listed no longer either.
  if (isOfToday) return undefined;
  throw new KiteQuestionError(
    'Kite lists the orders of today only and can not say what became of one of an earlier day: look into its tradebook.',
  );
}

function mustBeKnown(day: DayList, row: KiteOrder): BrokerOrder {
  const order = day.translated(row);
  if (order !== undefined) return order;
  throw new KiteQuestionError(`Kite’s order in ${brokerSymbolOf(row)} is of a kind that is not known here.`);
}

/**
 * A trigger carries no name of ours. It is recognised by what it is alone: every term the same, not there before, made when it was
 * sent, and nobody else's. Two of them, or two orders of ours that it could be, leave it unknown.
 */
async function unclearTrigger(
  { day, memory }: Sources,
  clientId: string,
  intent: GttIntent,
): Promise<string | undefined> {
  const could = (await day.triggers()).filter(
    (gtt) => memory.clientIdOf(`gtt:${gtt.id}`) === undefined && couldBe(gtt, intent),
  );
  const [only] = could;
  if (only === undefined) return undefined;
  // An equal one of another hour, that never arrived, is none.
  const rivals = [...memory.intents()].filter(([other, its]) => other !== clientId && couldBe(only, its));
  if (could.length > 1 || rivals.length > 0)
    throw new KiteQuestionError('Kite has triggers that could each be this order: look into its GTT list.');
  memory.learn(clientId, `gtt:${only.id}`);
  return `gtt:${only.id}`;
}

function couldBe(gtt: KiteGtt, { fingerprint, before, sentMs }: GttIntent): boolean {
  const madeMs = fromIst(gtt.created_at);
  return (
    fingerprintOfRow(gtt) === fingerprint &&
    !before.includes(gtt.id) &&
    madeMs !== undefined &&
    Math.abs(madeMs - sentMs) <= KITE_CLOCK_SKEW_MS
  );
}
