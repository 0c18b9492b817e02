/** Facts by hand for the pure risk decision: an agent that may do much, on a quiet market; a test names what it is about. */
import { PAPER_CAPABILITIES } from '#brokers/paper/adapter.ts';
import { money, type Price, price, quantity, ratio } from '#domain/decimal.ts';
import { defineInstrument, type Instrument } from '#domain/instrument.ts';
import { type Mandate, MandateDocument, mandateOf } from '#domain/mandate.ts';
import type { OrderOrigin, OrderTerms } from '#domain/order.ts';
import { accountId, agentId } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import type { MarketPhase, Quote } from '#ports.ts';
import type { Facts, Proposal } from '#trading/facts.ts';
import type { StoredOrder } from '#trading/order-rows.ts';
import { assess, type Verdict } from '#trading/risk.ts';

export const WALL_MS = Date.UTC(2026, 0, 5, 12);

/** Ten cents a tick, lots of 1, no smallest value: figures of tests stay short. */
export const XYZ: Instrument = defineInstrument({
  id: 'TEST:XYZ',
  symbol: 'XYZ',
  name: 'A test share',
  assetClass: 'equity',
  currency: 'USD',
  tick: '0.1',
  lot: '1',
  calendar: 'tape',
  timezone: 'UTC',
  aliases: [],
});

const DOCUMENT = {
  accounts: ['paper'],
  symbols: ['*'],
  asset_classes: ['equity', 'index', 'crypto', 'fx'],
  sides: ['buy', 'sell'],
  may_reduce: 'own',
  order_types: ['market', 'limit', 'stop', 'stop_limit', 'trailing_stop'],
  allow_short: true,
  max_order_qty: '1000000',
  max_order_value: '1000000000',
  max_daily_value: '1000000000',
  max_daily_orders: 1_000_000,
  max_daily_loss: '1000000000',
  max_open_orders: 1_000_000,
  max_gross_exposure: '1000000000',
  trading_hours: 'any',
  expires_at: null,
  commit: 'one_step',
  approval: 'never',
};

export function mandate(
  fields: Readonly<Record<string, unknown>> = {},
  stored: { readonly resolved?: readonly string[]; readonly revokedAtMs?: number } = {},
): Mandate {
  return mandateOf(MandateDocument.parse({ ...DOCUMENT, ...fields }), {
    version: 1,
    resolved: stored.resolved ?? 'any',
    revokedAtMs: stored.revokedAtMs ?? null,
  });
}

export function quote(bid: string, ask: string, last: string | null = null): Quote {
  return {
    instrument: XYZ.id,
    bid: price(bid),
    ask: price(ask),
    last: last === null ? null : price(last),
    bidSize: null,
    askSize: null,
    timeMs: WALL_MS,
    publishedMs: WALL_MS,
    source: 'recorded',
  };
}

export const phase = (now: MarketPhase['phase']): MarketPhase => ({
  nowMs: WALL_MS,
  phase: now,
  session: undefined,
  next: undefined,
  tradingDate: '2026-01-05',
});

/** Bid 99.9, ask 100, no position, nothing used. */
export function facts(about: Partial<Facts> = {}): Facts {
  return {
    wallMs: WALL_MS,
    authority: 'mandate',
    agent: agentId('agt_test'),
    account: accountId('paper'),
    accountCurrency: 'USD',
    accountMode: 'paper',
    accountType: 'margin',
    broker: PAPER_CAPABILITIES,
    instrument: XYZ,
    tradingState: 'ACTIVE',
    stateReason: null,
    accountReached: [],
    mandate: mandate(),
    mandateDay: '2026-01-05',
    withinHours: true,
    phase: phase('open'),
    quote: quote('99.9', '100'),
    quoteAgeMs: 0,
    fxRate: ratio('1'),
    ownQty: quantity('0'),
    reducible: quantity('0'),
    accountQty: quantity('0'),
    accountReducible: quantity('0'),
    workingSells: quantity('0'),
    valueUsed: money('0'),
    valueReserved: money('0'),
    ordersToday: 0,
    openOrders: 0,
    exposure: money('0'),
    lossToday: money('0'),
    unapprovedValue: money('0'),
    accountLimits: { maxDrawdownPercent: ratio('30'), maxPositions: null, maxDailyLoss: null },
    accountLoss: money('0'),
    accountDrawdownPercent: ratio('0'),
    positionsOpen: 0,
    opensPosition: true,
    messagesLastSecond: 0,
    ownMessagesLastSecond: 0,
    sameClientOrderId: undefined,
    unclear: [],
    opposing: undefined,
    executions: { used: 0, rate: { count: 600, per: 'minute' } },
    buyingPower: money('1000000000'),
    margin: undefined,
    changes: undefined,
    freed: money('0'),
    approved: false,
    ...about,
  };
}

/** A long (or, with a minus, short) position of the agent's own, all of it reducible. */
export function holding(qty: string, reducible = qty.replace('-', '')): Partial<Facts> {
  const own = quantity(qty);
  const left = quantity(reducible);
  return { ownQty: own, reducible: left, accountQty: own, accountReducible: left };
}

export interface ProposalWords {
  readonly side?: 'buy' | 'sell';
  readonly qty?: string;
  readonly type?: OrderTerms['type'];
  readonly limit?: string;
  readonly stop?: string;
  readonly trailPrice?: string;
  readonly trailPercent?: string;
  readonly timeInForce?: OrderTerms['timeInForce'];
  readonly reduceOnly?: boolean;
  readonly extendedHours?: boolean;
  readonly takeProfit?: string;
  readonly stopLoss?: string;
  readonly notional?: string;
  readonly origin?: OrderOrigin;
}

/** One at the market, unless said otherwise; the type follows from the prices. */
export function proposal(words: ProposalWords = {}): Proposal {
  const at = (key: string, text: string | undefined): { readonly [key: string]: Price } =>
    text === undefined ? {} : { [key]: price(text) };
  const trailing = words.trailPrice !== undefined || words.trailPercent !== undefined;
  return {
    terms: {
      side: words.side ?? 'buy',
      qty: quantity(words.qty ?? '1'),
      type: words.type ?? (trailing ? 'trailing_stop' : typeOf(words)),
      timeInForce: words.timeInForce ?? 'gtc',
      ...at('limitPrice', words.limit),
      ...at('stopPrice', words.stop),
      ...(words.trailPrice ? { trail: { kind: 'price', distance: price(words.trailPrice) } } : {}),
      ...(words.trailPercent ? { trail: { kind: 'percent', percent: ratio(words.trailPercent) } } : {}),
      postOnly: false,
      reduceOnly: words.reduceOnly ?? false,
      extendedHours: words.extendedHours ?? false,
    },
    ...at('takeProfit', words.takeProfit),
    ...at('stopLoss', words.stopLoss),
    ...(words.notional ? { notional: money(words.notional) } : {}),
    origin: words.origin ?? 'agent',
  };
}

function typeOf({ limit, stop }: ProposalWords): OrderTerms['type'] {
  if (stop !== undefined) return limit === undefined ? 'stop' : 'stop_limit';
  return limit === undefined ? 'market' : 'limit';
}

/** The order that a change is about; buys ten at a limit of 100, unless said otherwise. */
export function working(
  about: ProposalWords & { readonly filled?: string; readonly effect?: 'adding' | 'reducing' } = {},
): StoredOrder {
  const { terms } = proposal({
    qty: '10',
    ...(about.type === 'market' || about.stop !== undefined ? {} : { limit: '100' }),
    ...about,
  });
  return {
    ...terms,
    seq: 1,
    orderId: 'ord_1',
    agent: agentId('agt_test'),
    credential: 'key_1',
    account: accountId('paper'),
    instrument: XYZ.id,
    symbol: XYZ.symbol,
    clientOrderId: null,
    brokerClientId: 'pc_1',
    brokerOrderId: 'b1',
    parentOrderId: null,
    role: 'entry',
    origin: 'agent',
    effect: about.effect ?? 'adding',
    takeProfit: null,
    stopLoss: null,
    tag: null,
    status: 'open',
    reason: null,
    filledQty: quantity(about.filled ?? '0'),
    avgFillPrice: null,
    filledValue: money('0'),
    unitValue: about.effect === 'reducing' ? money('0') : money('100.5'),
    pending: null,
    held: false,
    run: 1,
    mandateDay: '2026-01-05',
    approvalId: null,
    reach: 'own',
    createdAtMs: WALL_MS,
    updatedAtMs: WALL_MS,
  };
}

/** `cleared adding`, `needs_approval`, or the reason of the refusal. */
export function say(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'cleared':
      return `cleared ${verdict.effect}`;
    case 'needs_approval':
      return 'needs_approval';
    case 'refused':
      return verdict.refusal.reason;
    default:
      return verdict satisfies never;
  }
}

/** What becomes of a proposal, in a word. */
export const verdictOn = (about: Partial<Facts> = {}, words: ProposalWords = {}): string =>
  say(assess(facts(about), proposal(words)));

/** The refusal (or the approval asked for); throws when it was cleared. */
export function refusedFor(about: Partial<Facts>, words: ProposalWords = {}): Refusal {
  const verdict = assess(facts(about), proposal(words));
  if (verdict.kind === 'cleared') throw new Error('it was cleared');
  return verdict.refusal;
}
