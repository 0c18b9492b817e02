/** A desk written by hand for tests of the tools: answers fixed records, notes what it was asked, fails on request. */
import { money, price, quantity, ratio } from '#domain/decimal.ts';
import { instrumentId } from '#domain/instrument.ts';
import { MandateDocument } from '#domain/mandate.ts';
import { accountId, agentId } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { ToolServices } from '#tools/define.ts';
import type { AccountView, MandateUse, OrderRecord, Preview } from '#trading/views.ts';

type ToolDesk = ToolServices['desk'];

export const AT_MS = Date.UTC(2026, 0, 5, 12);

export const ORDER: OrderRecord = {
  seq: 7,
  orderId: 'ord_7',
  agent: agentId('agt_1'),
  account: accountId('paper'),
  instrument: instrumentId('INDEX:SPX'),
  symbol: 'SPX',
  side: 'buy',
  qty: quantity('3'),
  type: 'limit',
  timeInForce: 'day',
  limitPrice: price('4100.25'),
  postOnly: false,
  reduceOnly: false,
  extendedHours: false,
  clientOrderId: 'mine-1',
  brokerClientId: 'pcl-7',
  brokerOrderId: 'P-7',
  parentOrderId: null,
  role: 'entry',
  origin: 'agent',
  effect: 'adding',
  takeProfit: price('4200'),
  stopLoss: null,
  tag: 'mean-reversion',
  status: 'partially_filled',
  reason: 'half of it \u202eis done',
  filledQty: quantity('1'),
  avgFillPrice: price('4100'),
  held: false,
  createdAtMs: AT_MS,
  updatedAtMs: AT_MS + 1_500,
};

export const PREVIEW: Preview = {
  estimatedPrice: price('4100.25'),
  value: money('12300.75'),
  fees: money('1.5'),
  buyingPowerAfter: money('87699.25'),
  positionAfter: quantity('3'),
  qty: quantity('3'),
  limits: [{ limit: 'max_daily_value', used: '0', order: '12300.75', max: '50000', unit: 'USD' }],
  needsApproval: false,
  warnings: ['The market is closed.'],
  margin: null,
};

const ACCOUNT: AccountView = {
  id: accountId('paper'),
  broker: 'paper',
  mode: 'paper',
  currency: 'USD',
  cash: money('100000'),
  equity: money('100000.5'),
  buyingPower: money('100000'),
  ageMs: 0,
  dayPnl: money('-0.5'),
  tradingState: 'ACTIVE',
};

const USE: MandateUse = {
  account: accountId('paper'),
  dailyValue: money('0'),
  dailyOrders: 0,
  dailyLoss: money('0'),
  openOrders: 0,
  grossExposure: money('0'),
};

const MANDATE = MandateDocument.parse({
  accounts: ['paper'],
  symbols: ['SPX'],
  sides: ['buy', 'sell'],
  order_types: ['market', 'limit'],
  max_order_qty: '100',
  max_order_value: '10000',
  max_daily_value: '50000',
  max_daily_orders: 50,
  max_daily_loss: '500',
  max_open_orders: 10,
  max_gross_exposure: '50000',
  trading_hours: 'any',
  expires_at: null,
});

export interface WrittenDesk {
  readonly desk: ToolDesk;
  /** Every question, in order: the method and what came after the principal. */
  readonly asked: { readonly method: string; readonly args: readonly unknown[] }[];
  /** From now on every question is refused. */
  refuseWith(refusal: Refusal): void;
  /** From now on every question throws. */
  failWith(fault: unknown): void;
  /** What the next orders look like. */
  answerOrder(order: OrderRecord): void;
}

export function writtenDesk(): WrittenDesk {
  const asked: { method: string; args: readonly unknown[] }[] = [];
  let refusal: Refusal | undefined;
  let fault: { readonly thrown: unknown } | undefined;
  let order = ORDER;
  // A named async function keeps the promise of the interface: a throw in it is a rejection.
  async function answer<T>(
    method: string,
    args: readonly unknown[],
    value: () => T,
  ): Promise<Result<T, Refusal>> {
    asked.push({ method, args });
    if (fault !== undefined) throw fault.thrown as Error;
    return refusal === undefined ? ok(value()) : err(refusal);
  }
  const desk: ToolDesk = {
    placeOrder: (_who, draft, commit) =>
      answer('placeOrder', [draft, commit], () =>
        commit.kind === 'preview'
          ? { dryRun: true, preview: PREVIEW, actionToken: 'act_1', expiresAtMs: AT_MS + 300_000 }
          : { dryRun: false, order },
      ),
    previewOrder: (_who, draft) =>
      answer('previewOrder', [draft], () => ({
        ...PREVIEW,
        margin: { required: money('2460.15'), fees: money('1.5'), source: 'broker' },
        underMandate: true,
      })),
    holdings: (_who, filter) =>
      answer('holdings', [filter], () => [
        {
          account: accountId('paper'),
          symbol: 'AAPL',
          qty: quantity('12'),
          unsettledQty: quantity('2'),
          lockedQty: quantity('0'),
          avgPrice: price('180.5'),
          marketPrice: null,
          product: 'cnc',
          source: 'broker',
        },
      ]),
    modifyOrder: (_who, change, commit) =>
      answer('modifyOrder', [change, commit], () =>
        commit.kind === 'preview'
          ? { dryRun: true, preview: PREVIEW, actionToken: 'act_2', expiresAtMs: AT_MS + 300_000 }
          : { dryRun: false, order },
      ),
    cancelOrder: (_who, orderId, commit) =>
      answer('cancelOrder', [orderId, commit], () => ({ dryRun: commit.dryRun, order })),
    cancelAllOrders: (_who, filter, commit) =>
      answer('cancelAllOrders', [filter, commit], () => ({
        dryRun: commit.dryRun,
        canceled: ['ord_1'],
        pending: ['ord_2'],
        failed: [{ orderId: 'ord_3', reason: 'the broker did not answer' }],
      })),
    closePosition: (_who, close, commit) =>
      answer('closePosition', [close, commit], () =>
        commit.dryRun
          ? { dryRun: true, preview: PREVIEW, wouldCancel: ['ord_1'] }
          : { dryRun: false, order, canceled: ['ord_1'], detail: 'The close was sent.' },
      ),
    closeAllPositions: (_who, filter, commit) =>
      answer('closeAllPositions', [filter, commit], () => ({
        dryRun: commit.dryRun,
        closes: commit.dryRun
          ? [{ symbol: 'SPX', dryRun: true, preview: null, wouldCancel: [] }]
          : [{ symbol: 'SPX', dryRun: false, order: null, canceled: [], detail: 'Nothing was open.' }],
        failed: [{ symbol: 'BTC/USD', refusal: refuse('reconciling', 'A cancel is not clear yet.') }],
      })),
    haltTrading: (who, reason) =>
      answer('haltTrading', [reason], () => ({ tradingState: 'HALTED', agent: who.agentName })),
    tightenMandate: (_who, fields, commit) =>
      answer('tightenMandate', [fields, commit], () => ({
        dryRun: commit.dryRun,
        version: 4,
        changed: ['max_daily_loss'],
        mandate: { ...MANDATE, max_daily_loss: '100' },
        canceling: ['ord_1'],
      })),
    listAccounts: () => answer('listAccounts', [], () => [{ ...ACCOUNT, connected: true, trouble: null }]),
    account: (_who, account) => answer('account', [account], () => ({ ...ACCOUNT, id: account })),
    positions: (_who, filter) =>
      answer('positions', [filter], () => [
        {
          account: accountId('paper'),
          symbol: 'SPX',
          qty: quantity('-3'),
          ownQty: quantity('-1'),
          avgPrice: price('4100'),
          marketPrice: null,
          marketValue: null,
          unrealisedPnl: null,
          realisedPnl: money('0'),
          takeProfit: null,
          stopLoss: price('4000'),
          openedAtMs: AT_MS,
          closedAtMs: null,
        },
      ]),
    orders: (_who, filter) => answer('orders', [filter], () => ({ items: [order], nextBeforeSeq: 7 })),
    order: (_who, orderId) =>
      answer('order', [orderId], () => ({
        order: { ...order, trail: { kind: 'percent', percent: ratio('2.5') } },
        timeline: [{ timeMs: AT_MS, status: 'open', detail: 'accepted\u001b[31m by the broker' }],
      })),
    trades: (_who, filter) =>
      answer('trades', [filter], () => ({
        items: [
          {
            seq: 3,
            executionId: 'exe_3',
            orderId: 'ord_7',
            account: accountId('paper'),
            symbol: 'SPX',
            side: 'buy' as const,
            qty: quantity('1'),
            price: price('4100'),
            fee: money('0.5'),
            timeMs: AT_MS,
          },
        ],
        nextBeforeSeq: null,
      })),
    pnlHistory: (_who, query) =>
      answer('pnlHistory', [query], () => ({
        days: [
          {
            date: '2026-01-05',
            realised: money('0'),
            unrealised: money('-1'),
            equity: money('99999'),
            drawdown: money('-1'),
          },
        ],
        totals: {
          realised: money('0'),
          returnPct: -0.001,
          winningDaysPct: null,
          trades: 1,
          winningTradesPct: 0,
          maxDrawdownPct: 0.001,
          bestSymbol: null,
          worstSymbol: 'SPX',
        },
      })),
    mandate: (who) =>
      answer('mandate', [], () => ({
        agent: who.agentName,
        accounts: [accountId('paper')],
        mandate: { ...MANDATE, version: 1 },
        used: [USE],
        left: [USE],
        tradingState: 'ACTIVE',
        accountLimits: [
          {
            account: accountId('paper'),
            limit: 'account_max_drawdown',
            used: '0',
            order: '0',
            max: '30',
            unit: 'percent',
          },
        ],
        stateReason: null,
      })),
    status() {
      asked.push({ method: 'status', args: [] });
      if (fault !== undefined) throw fault.thrown as Error;
      return {
        tradingState: 'ACTIVE',
        accounts: [
          {
            id: accountId('paper'),
            broker: 'paper',
            mode: 'paper',
            connected: true,
            tickAgeMs: 12.4,
            reconciledAtMs: null,
            trouble: 'it \u202e does not answer',
            signInNeeded: true,
            products: [],
          },
        ],
      };
    },
  };
  return {
    desk,
    asked,
    refuseWith(given) {
      refusal = given;
    },
    failWith(thrown) {
      fault = { thrown };
    },
    answerOrder(given) {
      order = given;
    },
  };
}
