/** Judges the tests that a mandate carries, by the controls that every order meets: on an open market, on a day without orders. Pure. */
import type { MandateJudge } from '#access/mandates.ts';
import {
  absolute,
  money,
  type Price,
  price,
  type Quantity,
  quantity,
  ratio,
  ZERO_MONEY,
  ZERO_QUANTITY,
} from '#domain/decimal.ts';
import { type Instrument, pricedIn } from '#domain/instrument.ts';
import type { Mandate } from '#domain/mandate.ts';
import type { MandateTest } from '#domain/mandate-tests.ts';
import { ORDER_TYPES, type OrderTerms, PRODUCTS, TIMES_IN_FORCE } from '#domain/order.ts';
import { accountId, agentId } from '#domain/principal.ts';
import { fieldError, type Refusal } from '#domain/refusal.ts';
import type { Result } from '#domain/result.ts';
import type { Quote } from '#ports.ts';
import type { Facts, Proposal } from './facts.ts';
import { assess, type Verdict } from './risk.ts';

interface Instruments {
  resolve(symbol: string, accounts: readonly string[]): Result<readonly Instrument[], Refusal>;
}

/** Every test that comes out otherwise than it expects, with what came out instead. */
export function mandateJudge(instruments: Instruments): MandateJudge {
  return (mandate, agentName) =>
    (mandate.document.tests ?? []).flatMap((test, index) => {
      const wrong = judge(test, { mandate, agentName, instruments });
      if (wrong === undefined) return [];
      const [field, given, rule] = wrong;
      return [fieldError(`tests.${index}${field}`, given, rule)];
    });
}

type Wrong = readonly [field: string, given: unknown, rule: string];

function judge(
  test: MandateTest,
  about: {
    readonly mandate: Mandate;
    readonly agentName: string | undefined;
    readonly instruments: Instruments;
  },
): Wrong | undefined {
  const { agentName, mandate } = about;
  if (test.principal !== undefined && agentName !== undefined && test.principal !== agentName)
    return ['.principal', test.principal, `${agentName}, whose mandate this is`];
  const instruments = about.instruments.resolve(test.order.symbol, mandate.document.accounts);
  if (!instruments.ok) return ['.order.symbol', test.order.symbol, instruments.error.detail];
  // Accounts at two brokers may know two things by the symbol: the test speaks of both.
  const verdicts = instruments.value.map((one) => assess(factsOf(test, mandate, one), proposalOf(test)));
  const verdict = verdicts.find((one) => !isExpected(test, one));
  if (verdict === undefined) return undefined;
  const wanted = `${test.expect}${test.reason === undefined ? '' : ` (${test.reason})`}`;
  return ['', orderInWords(test), `expected ${wanted}, and the mandate would ${outcomeInWords(verdict)}`];
}

const OUTCOMES = { cleared: 'allow', needs_approval: 'approve', refused: 'deny' } as const;

const isExpected = ({ expect, reason }: MandateTest, verdict: Verdict): boolean =>
  OUTCOMES[verdict.kind] === expect &&
  (reason === undefined || (verdict.kind === 'refused' && verdict.refusal.reason === reason));

function outcomeInWords(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'cleared':
      return 'allow it';
    case 'needs_approval':
      return `ask you for approval (${verdict.refusal.detail})`;
    case 'refused':
      return `deny it as ${verdict.refusal.reason} (${verdict.refusal.detail})`;
    default:
      return verdict satisfies never;
  }
}

const orderInWords = ({ order }: MandateTest): string =>
  [order.side, order.qty, order.symbol, order.type, order.limit_price ?? order.stop_price ?? '']
    .join(' ')
    .trim();

function proposalOf({ order }: MandateTest): Proposal {
  const { trail_price, trail_percent } = order;
  const trail: OrderTerms['trail'] =
    trail_price !== undefined
      ? { kind: 'price', distance: price(trail_price) }
      : trail_percent !== undefined
        ? { kind: 'percent', percent: ratio(trail_percent) }
        : undefined;
  return {
    terms: {
      side: order.side,
      type: order.type,
      qty: quantity(order.qty),
      timeInForce: 'gtc',
      ...(order.limit_price === undefined ? {} : { limitPrice: price(order.limit_price) }),
      ...(order.stop_price === undefined ? {} : { stopPrice: price(order.stop_price) }),
      ...(trail === undefined ? {} : { trail }),
      postOnly: false,
      reduceOnly: false,
      extendedHours: false,
    },
    origin: 'agent',
  };
}

/** No mandate of a test has ended, and nobody else is in its account: what is judged is the document alone. */
const AT_MS = 0;
const ENOUGH = money('999999999999999999');

function factsOf({ order, position }: MandateTest, mandate: Mandate, instrument: Instrument): Facts {
  const held = quantity(position ?? '0');
  const [first = ''] = mandate.document.accounts;
  return {
    wallMs: AT_MS,
    authority: 'mandate',
    agent: agentId('policy'),
    account: accountId(order.account ?? first),
    accountCurrency: pricedIn(instrument),
    accountMode: 'paper',
    accountType: 'margin',
    broker: TAKES_EVERYTHING,
    instrument,
    tradingState: 'ACTIVE',
    stateReason: null,
    accountReached: [],
    mandate,
    mandateDay: '1970-01-01',
    withinHours: true,
    phase: { nowMs: AT_MS, phase: 'open', session: undefined, next: undefined, tradingDate: '1970-01-01' },
    quote: quoteAt(instrument, price(order.price ?? order.limit_price ?? order.stop_price ?? '0')),
    quoteAgeMs: 0,
    fxRate: ratio('1'),
    ...positionOf(held),
    ...UNUSED,
  };
}

const positionOf = (
  held: Quantity,
): Pick<Facts, 'ownQty' | 'reducible' | 'accountQty' | 'accountReducible'> => ({
  ownQty: held,
  reducible: absolute(held),
  accountQty: held,
  accountReducible: absolute(held),
});

const quoteAt = (instrument: Instrument, at: Price): Quote => ({
  instrument: instrument.id,
  bid: at,
  ask: at,
  last: at,
  bidSize: null,
  askSize: null,
  timeMs: AT_MS,
  publishedMs: AT_MS,
  source: 'derived',
});

/** What brokers take is theirs to say, and no test of a mandate's. */
const TAKES_EVERYTHING: Facts['broker'] = {
  orderTypes: ORDER_TYPES,
  timesInForce: TIMES_IN_FORCE,
  brackets: true,
  trailing: true,
  extendedHours: true,
  shortSelling: true,
  replace: true,
  depth: true,
  postOnly: true,
  reduceOnly: true,
  products: PRODUCTS,
  marginPreview: false,
  holdings: false,
  ids: {
    scope: 'account',
    queryByClientId: true,
    dedupes: true,
    cancelOnDisconnect: false,
    absentIsFinalAfterMs: 0,
  },
};

/** A day on which nothing has happened yet. */
const UNUSED = {
  workingSells: ZERO_QUANTITY,
  valueUsed: ZERO_MONEY,
  valueReserved: ZERO_MONEY,
  ordersToday: 0,
  openOrders: 0,
  exposure: ZERO_MONEY,
  lossToday: ZERO_MONEY,
  unapprovedValue: ZERO_MONEY,
  accountLimits: { maxDrawdownPercent: null, maxPositions: null, maxDailyLoss: null },
  accountLoss: ZERO_MONEY,
  accountDrawdownPercent: ratio('0'),
  positionsOpen: 0,
  opensPosition: true,
  messagesLastSecond: 0,
  ownMessagesLastSecond: 0,
  sameClientOrderId: undefined,
  unclear: [],
  opposing: undefined,
  executions: undefined,
  buyingPower: ENOUGH,
  margin: undefined,
  changes: undefined,
  freed: ZERO_MONEY,
  approved: false,
} as const;
