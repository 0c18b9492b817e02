/** What an account may still spend: its broker's last word, less all that was cleared since it was asked; a word that may be untrue is dropped. */
import { add, type Money, max, subtract, sum, ZERO_MONEY } from '#domain/decimal.ts';
import type { Instrument } from '#domain/instrument.ts';
import type { AccountId } from '#domain/principal.ts';
import { BALANCE_AGE_MAX_MS, BALANCE_ASKED_AGAIN_EVERY_MIN_MS } from '#limits.ts';
import type { BrokerAdapter, BrokerBalance } from '#ports.ts';
import type { Line } from './line.ts';
import { reservedValue, type StoredOrder } from './order-rows.ts';

/** A broker's answer. It goes on knowing what is cleared after its question, for as long as anybody holds it. */
export interface Funds {
  readonly balance: BrokerBalance;
  readonly question: Question;
}

/** Asked when: everything that the broker may not have counted in its answer stands here, or comes after `last`. */
interface Question {
  readonly number: number;
  readonly adapter: BrokerAdapter;
  readonly askedAtMs: number;
  /** By order: what was on its way to the broker then. */
  readonly underWay: ReadonlyMap<string, Money>;
  /** The last order that had been cleared by then. */
  readonly last: Cleared;
}

/** Orders in the row they were cleared in; those before every question that is still held are nobody's any more. */
interface Cleared {
  readonly orderId: string;
  readonly value: Money;
  next: Cleared | undefined;
}

export interface AccountFunds {
  /** Of the question that was asked last. */
  number: number;
  /** An answer to an earlier question is not true any more. */
  trueFrom: number;
  last: Cleared;
  known: Funds | undefined;
  asking: { readonly question: Question; readonly answer: Promise<Funds> } | undefined;
  /** Monotonic; minus infinity before the first time. */
  askedAtMs: number;
  usedAtMs: number;
}

/** Its books are here: it is asked each time, and its cash is never another than ours say. */
export const isEmbedded = (adapter: BrokerAdapter | undefined): boolean => adapter?.restart !== undefined;

/**
 * What the broker said a moment ago, or what it says now. Who asks while somebody else does waits for the same answer: two hundred
 * orders at once are one question, and each of them is taken off it as it is cleared.
 */
export function fundsOf(line: Line, adapter: BrokerAdapter): Promise<Funds> {
  if (isEmbedded(adapter)) return ask(line, adapter).answer;
  const funds = ofAccount(line, adapter.account);
  funds.usedAtMs = line.clock.monotonicMs();
  const { known, asking } = funds;
  if (known !== undefined && holds(line, known.question, adapter)) return Promise.resolve(known);
  if (asking !== undefined && holds(line, asking.question, adapter)) return asking.answer;
  return ask(line, adapter).answer;
}

/** Whether nothing has happened since that makes the answer untrue. An embedded broker's is never kept, so nothing can. */
export const isTrue = (line: Line, { question }: Funds): boolean =>
  isEmbedded(question.adapter) || question.number >= ofAccount(line, question.adapter.account).trueFrom;

function holds(line: Line, { number, adapter: asked, askedAtMs }: Question, adapter: BrokerAdapter): boolean {
  return (
    asked === adapter &&
    number >= ofAccount(line, adapter.account).trueFrom &&
    line.clock.monotonicMs() - askedAtMs <= BALANCE_AGE_MAX_MS
  );
}

function ask(line: Line, adapter: BrokerAdapter): NonNullable<AccountFunds['asking']> {
  const { account } = adapter;
  const funds = ofAccount(line, account);
  // Before the first byte: what is cleared while the question is on its way may be missing in the answer.
  funds.askedAtMs = line.clock.monotonicMs();
  const question: Question = {
    number: ++funds.number,
    adapter,
    askedAtMs: funds.askedAtMs,
    underWay: isEmbedded(adapter) ? NOTHING : underWayIn(line, account),
    last: funds.last,
  };
  const asking = { question, answer: taken(line, question, adapter.balance()) };
  funds.asking = asking;
  return asking;
}

async function taken(line: Line, question: Question, told: Promise<BrokerBalance>): Promise<Funds> {
  const funds = ofAccount(line, question.adapter.account);
  try {
    return heard(line, { balance: await told, question });
  } finally {
    if (funds.asking?.question === question) funds.asking = undefined;
  }
}

/** An answer to an earlier question never takes the place of one to a later, and one that came too late is for those alone who asked. */
function heard(line: Line, told: Funds): Funds {
  const { number, adapter } = told.question;
  const funds = ofAccount(line, adapter.account);
  if (number >= funds.trueFrom && number > (funds.known?.question.number ?? 0)) {
    funds.known = told;
    line.memory.balances.set(adapter.account, { balance: told.balance, atMs: line.clock.monotonicMs() });
  }
  return told;
}

/** Inside the transaction that clears an order or a change; where it is rolled back, the figure is the stricter until it is asked anew. */
export function noteCleared(line: Line, { account, orderId }: StoredOrder, value: Money): void {
  if (isEmbedded(line.adapters.get(account)) || !value.gt('0')) return;
  const funds = ofAccount(line, account);
  const cleared: Cleared = { orderId, value, next: undefined };
  funds.last.next = cleared;
  funds.last = cleared;
}

/**
 * What the broker said is not so any more: something was executed, money moved, the connection was lost, somebody else trades there, the
 * gate fell. Where orders flow it is asked again at once, so that the next one need not wait for it.
 */
export function dropFunds(line: Line, account: AccountId): void {
  const funds = line.memory.funds.get(account);
  const adapter = line.adapters.get(account);
  if (funds === undefined || isEmbedded(adapter)) return;
  forget(funds);
  const nowMs = line.clock.monotonicMs();
  const flows = nowMs - funds.usedAtMs <= BALANCE_AGE_MAX_MS;
  if (!flows || nowMs - funds.askedAtMs < BALANCE_ASKED_AGAIN_EVERY_MIN_MS) return;
  // After all that came in the same moment has been taken in.
  queueMicrotask(() => {
    if (adapter === undefined || line.adapters.get(account) !== adapter || !adapter.connected()) return;
    fundsInAdvance(line, adapter).catch(() => undefined);
  });
}

async function fundsInAdvance(line: Line, adapter: BrokerAdapter): Promise<void> {
  const { asking } = ofAccount(line, adapter.account);
  if (asking === undefined || !holds(line, asking.question, adapter)) await ask(line, adapter).answer;
}

/** When the gate falls: nobody is asked anything, because the brokers have cancels to take. */
export function dropAllFunds(line: Line): void {
  for (const funds of line.memory.funds.values()) forget(funds);
}

function forget(funds: AccountFunds): void {
  funds.trueFrom = funds.number + 1;
  funds.known = undefined;
}

interface LeftOf {
  readonly funds: Funds | undefined;
  readonly unsettled: readonly StoredOrder[];
  /** What would be traded: a broker that lends may lend nothing for coins. */
  readonly of: Pick<Instrument, 'assetClass'>;
}

/** What the broker would still take: its word less everything that it may not have counted yet, each order once. */
export function buyingPowerLeft(balance: BrokerBalance, { funds, unsettled, of }: LeftOf): Money {
  const told = of.assetClass === 'crypto' ? balance.coinBuyingPower : undefined;
  const missing = new Map(funds?.question.underWay);
  for (let one = funds?.question.last.next; one !== undefined; one = one.next)
    missing.set(one.orderId, add(missing.get(one.orderId) ?? ZERO_MONEY, one.value));
  for (const order of unsettled)
    missing.set(order.orderId, max(missing.get(order.orderId) ?? ZERO_MONEY, reservedValue(order)));
  return subtract(told ?? balance.buyingPower, sum(ZERO_MONEY, Array.from(missing.values())));
}

const NOTHING: ReadonlyMap<string, Money> = new Map();

/** Orders without a clear outcome as a whole, changes that wait for the broker's word by what they add. */
function underWayIn(line: Line, account: AccountId): ReadonlyMap<string, Money> {
  const changing = line.orders.isAwaiting(account)
    ? line.orders.working({ account }).filter(({ pending }) => pending !== null)
    : [];
  return new Map([
    ...changing.map((order) => [order.orderId, addedByChange(order)] as const),
    ...line.orders.unsettled(account).map((order) => [order.orderId, reservedValue(order)] as const),
  ]);
}

/** By how much an order with a change under way holds more than without it. */
export const addedByChange = (order: StoredOrder): Money =>
  subtract(reservedValue(order), reservedValue({ ...order, pending: null }));

function ofAccount(line: Line, account: AccountId): AccountFunds {
  const known = line.memory.funds.get(account);
  if (known !== undefined) return known;
  const none: Cleared = { orderId: '', value: ZERO_MONEY, next: undefined };
  const fresh: AccountFunds = {
    number: 0,
    trueFrom: 0,
    last: none,
    known: undefined,
    asking: undefined,
    askedAtMs: Number.NEGATIVE_INFINITY,
    usedAtMs: Number.NEGATIVE_INFINITY,
  };
  line.memory.funds.set(account, fresh);
  return fresh;
}
