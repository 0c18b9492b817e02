/** Watches one account at its exchange: connects, hears its streams, and asks at bounded intervals for what they may have missed. */
import type { BrokerEvent, BrokerOrder } from '#domain/broker.ts';
import { isFinal } from '#domain/order.ts';
import {
  CCXT_LOOK_AFTER_MS,
  CCXT_LOOK_WITHOUT_STREAM_MS,
  CCXT_RETRY_FIRST_MS,
  CCXT_RETRY_MAX_MS,
} from '#limits.ts';
import type { Clock } from '#ports.ts';
import type { Account } from './account.ts';
import { readPositions } from './account-state.ts';
import { type AccountStreams, openAccountStreams } from './account-streams.ts';
import { featureOf } from './capabilities.ts';
import { isClass } from './error-class.ts';
import { askKey } from './facts.ts';
import { type HistoryCursor, historyRules, openCursor, readHistory } from './history.ts';
import { venueOrderId } from './order-id.ts';
import { reasonOf } from './outcome.ts';
import { OutOfTurns, retryAfterMs } from './wire.ts';

export interface Lookout {
  start(): void;
  connected(): boolean;
  /** One sentence, or null. */
  trouble(): string | null;
  /** Something was sent about this order: it is looked at soon, and followed until it ends. */
  sent(brokerOrderId: string, symbol: string): void;
  /** What is known of it may be wrong: the exchange is asked, whatever its streams say. */
  doubted(brokerOrderId: string, symbol: string): void;
  close(): void;
}

type Emit = (events: readonly BrokerEvent[]) => void;

/** Looks that failed one after the other until the exchange counts as lost. */
const FAILURES_MAX = 2;
const KEY_MAY_WITHDRAW =
  'The key may withdraw, so it is not used: make one that may read and trade and nothing else, and replace it here.';

export function openLookout(account: Account, clock: Clock, emit: Emit): Lookout {
  const { ccxt, facts } = account.exchange;
  const look = openLook(account);
  let closed = false;
  let connected = false;
  let trouble: string | null = 'The exchange has not been reached yet.';
  const was = { connected: false, looking: false, failures: 0, lookMs: Number.NEGATIVE_INFINITY };
  let stopTimer: () => void = () => undefined;
  const later = (delayMs: number, call: () => Promise<void>): void => {
    stopTimer();
    if (!closed) stopTimer = clock.after(delayMs, () => void call());
  };
  const say = (now: boolean, detail: string): void => {
    if (connected === now) return;
    connected = now;
    trouble = now ? null : detail;
    emit([{ kind: 'connection', connected, detail }]);
  };
  /** Soon, and once for many reasons. */
  const ring = (): void => {
    if (!connected || was.looking) return;
    const sinceMs = clock.monotonicMs() - was.lookMs;
    later(Math.max(CCXT_LOOK_AFTER_MS / 4, CCXT_LOOK_AFTER_MS - sinceMs), lookAgain);
  };
  const lost = (why: string): boolean => {
    if (closed || !connected) return false;
    streams.close();
    say(false, why);
    later(CCXT_RETRY_FIRST_MS, () => connect(CCXT_RETRY_FIRST_MS * 2));
    return true;
  };
  const streams = openAccountStreams(account, clock, { emit, ring, lost, ended: (id) => look.forget(id) });

  async function connect(waitMs: number): Promise<void> {
    try {
      if ((await enter(account, streams, !was.connected)) === 'can-withdraw') {
        trouble = KEY_MAY_WITHDRAW;
        return;
      }
      // There is nothing to miss before the first time.
      const missed = was.connected ? await look.once() : await look.begin();
      if (closed) return;
      Object.assign(was, { failures: 0, connected: true });
      say(true, `connected to ${ccxt.name}`);
      emit(missed);
      later(streams.lookAfterMs(), lookAgain);
    } catch (fault) {
      // What is open stays so while there are no turns: opening it once more would cost some of the few that come.
      if (!(fault instanceof OutOfTurns)) streams.close();
      trouble = `The exchange ${isOfKey(fault) ? 'does not take the key' : 'can not be reached'}: ${reasonOf(fault)}`;
      const nextMs = Math.min(waitMs * 2, CCXT_RETRY_MAX_MS);
      later(isOfKey(fault) ? CCXT_RETRY_MAX_MS : retryAfterMs(fault, waitMs), () => connect(nextMs));
    }
  }
  async function lookAgain(): Promise<void> {
    if (closed || !connected || was.looking) return;
    was.looking = true;
    was.lookMs = clock.monotonicMs();
    try {
      const events = await look.once();
      if (closed) return;
      was.failures = 0;
      trouble = null;
      emit(events);
    } catch (fault) {
      // Nothing is wrong with an exchange that is asked too often by us.
      if (!(fault instanceof OutOfTurns)) was.failures += 1;
      trouble = `The exchange did not answer what was asked: ${reasonOf(fault)}`;
      if (was.failures >= FAILURES_MAX && lost(trouble)) return;
    } finally {
      was.looking = false;
    }
    if (connected) later(was.failures > 0 ? CCXT_LOOK_WITHOUT_STREAM_MS : streams.lookAfterMs(), lookAgain);
  }

  return {
    start: () => void connect(CCXT_RETRY_FIRST_MS),
    connected: () => connected && !closed,
    trouble: () => trouble,
    sent(brokerOrderId, symbol) {
      look.follow(brokerOrderId, symbol);
      if (!(facts.streamsAreExact && streams.heard())) ring();
    },
    doubted(brokerOrderId, symbol) {
      look.follow(brokerOrderId, symbol);
      ring();
    },
    close() {
      closed = true;
      stopTimer();
      streams.close();
    },
  };
}

const isOfKey = (fault: unknown): boolean => isClass(fault, 'AuthenticationError');

/** What has to be known of the exchange, and of the key the first time; then its streams, unless they are open from the last try. */
async function enter(
  { exchange, ask }: Account,
  streams: AccountStreams,
  isFirst: boolean,
): ReturnType<typeof askKey> {
  if (streams.heard()) return 'unasked';
  const { ccxt, facts } = exchange;
  await ccxt.loadHttpProxyAgent();
  await ask(() => ccxt.loadMarkets());
  const key = isFirst ? await ask(() => askKey(ccxt, facts)) : 'unasked';
  if (key === 'can-withdraw') return key;
  streams.open();
  await streams.ready();
  return key;
}

/** One look: what was executed since the last, what is open, and what became of orders that are not. */
function openLook(account: Account) {
  const { exchange, known, ask, venueNowMs } = account;
  const { ccxt } = exchange;
  const followed = new Map<string, string>();
  let cursor: HistoryCursor | undefined;

  async function endOf(brokerOrderId: string, symbol: string): Promise<BrokerOrder | undefined> {
    try {
      return account.ordersIn([
        await ask(() => ccxt.fetchOrder(venueOrderId(brokerOrderId, exchange.facts), symbol)),
      ])[0];
    } catch (fault) {
      if (isClass(fault, 'OrderNotFound')) return undefined;
      throw fault;
    }
  }
  return {
    follow: (brokerOrderId: string, symbol: string): void => void followed.set(brokerOrderId, symbol),
    forget: (brokerOrderId: string): void => void followed.delete(brokerOrderId),
    /** What has to be known before an order may be sent: that the key reads, and where anything is going on. */
    async begin(): Promise<readonly BrokerEvent[]> {
      for (const { brokerOrderId, instrument } of await account.openOrders())
        followed.set(brokerOrderId, account.symbolOf(instrument));
      if (historyRules(featureOf(ccxt, exchange.kind, 'fetchMyTrades')).perSymbol)
        for (const { instrument } of (await ask(() => readPositions(account.state))).positions)
          known.noteSymbol(account.symbolOf(instrument));
      cursor = openCursor(venueNowMs());
      return [];
    },
    /** Executions first: an order that has ended is told after what filled it. */
    async once(): Promise<readonly BrokerEvent[]> {
      const from = cursor ?? openCursor(venueNowMs());
      const open = await account.openOrders();
      const listed = new Set(open.map(({ brokerOrderId }) => brokerOrderId));
      const ended: BrokerOrder[] = [];
      for (const [id, symbol] of followed) {
        if (listed.has(id) || ccxt.has['fetchOrder'] !== true) continue;
        const found = await endOf(id, symbol);
        if (found !== undefined) ended.push(found);
        if (found === undefined || isFinal(found.status)) followed.delete(id);
      }
      for (const { brokerOrderId, instrument } of open)
        followed.set(brokerOrderId, account.symbolOf(instrument));
      const page = await ask(() =>
        readHistory(exchange, { cursor: from, symbols: known.symbols(), nowMs: venueNowMs() }),
      );
      const executions = await account.executionsIn(page.trades);
      cursor = page.cursor;
      return [
        ...executions.map((execution) => ({ kind: 'execution', execution }) as const),
        ...[...open, ...ended].map((order) => ({ kind: 'order', order }) as const),
      ];
    },
  };
}
