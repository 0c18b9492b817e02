/** What Alpaca lets this adapter know of an account: money, positions, orders at work, fills since a moment. */
import { z } from 'zod';
import type { BrokerDirectory } from '#brokers/broker.ts';
import { absolute, money, negate, price, quantity } from '#domain/decimal.ts';
import type { BrokerBalance, BrokerExecution, BrokerOrder, BrokerPosition } from '#ports.ts';
import type { AlpacaApi } from './api.ts';
import {
  FILL_PAGES_MAX,
  FILLS_OVERLAP_MS,
  FILLS_PER_PAGE,
  ORDER_PAGES_MAX,
  ORDERS_PER_PAGE,
} from './bounds.ts';
import type { Chain, Chains } from './chains.ts';
import { feeOf } from './fees.ts';
import { findListing } from './listings.ts';
import { clientIdOf, orderOf } from './terms.ts';
import {
  type AccountPayload,
  accountPayload,
  clockPayload,
  type FillPayload,
  fillPayload,
  msOf,
  orderPayload,
  positionPayload,
} from './wire.ts';

export interface AccountOptions {
  readonly api: AlpacaApi;
  readonly chains: Chains;
  readonly directory: BrokerDirectory;
  /** Held or ordered, and not in the list. */
  readonly onUnlisted: (symbol: string) => void;
}

export interface AccountReads {
  account(): Promise<AccountPayload>;
  /** Alpaca's own clock, epoch ms. */
  venueNowMs(): Promise<number>;
  /** Of thirty days' volume in coins, 1 to 8, as last told. */
  coinTier(): number;
  balance(): Promise<BrokerBalance>;
  positions(): Promise<readonly BrokerPosition[]>;
  openOrders(): Promise<readonly BrokerOrder[]>;
  /** Of a chain, in the list's terms; undefined: not of the list. */
  told(chain: Chain): BrokerOrder | undefined;
  /** Fills after the cursor, oldest first, those of the last minutes before it once more. */
  fillsSince(
    cursor: Cursor,
  ): Promise<{ readonly executions: readonly BrokerExecution[]; readonly cursor: Cursor }>;
}

/** From which moment fills are this account's, and up to which they were read: epoch ms by Alpaca's clock. */
export interface Cursor {
  readonly fromMs: number;
  readonly readMs: number;
}
const CURSOR = /^(\d{1,15})\/(\d{1,15})$/;
export const cursorText = ({ fromMs, readMs }: Cursor): string => `${fromMs}/${readMs}`;
export function cursorFrom(written: string): Cursor {
  const [, fromMs, readMs] = CURSOR.exec(written) ?? [];
  if (fromMs === undefined || readMs === undefined) throw new RangeError('not a cursor of an Alpaca account');
  return { fromMs: Number(fromMs), readMs: Number(readMs) };
}

export function openAccountReads(options: AccountOptions): AccountReads {
  const { api, chains, directory, onUnlisted } = options;
  let coinTier = 1;

  async function account(): Promise<AccountPayload> {
    const told = must(await api.read(accountPayload, '/v2/account'));
    coinTier = Number(told.crypto_tier ?? coinTier);
    return told;
  }
  function told(chain: Chain): BrokerOrder | undefined {
    const listing = findListing(directory, chain.root);
    const order = listing === undefined ? undefined : orderOf(chain, listing);
    if (order === undefined) onUnlisted(chain.root.symbol);
    return order;
  }
  async function executionOf(fill: FillPayload): Promise<BrokerExecution | undefined> {
    const chain = await chains.of(fill.order_id);
    const listing = findListing(directory, chain?.root ?? fill);
    if (listing === undefined) {
      onUnlisted(fill.symbol);
      return undefined;
    }
    const side = fill.side === 'buy' ? 'buy' : 'sell';
    const [qty, at, timeMs] = [absolute(quantity(fill.qty)), price(fill.price), msOf(fill.transaction_time)];
    return {
      executionId: fill.id,
      brokerOrderId: chain?.root.id ?? fill.order_id,
      brokerClientId: chain === undefined ? null : clientIdOf(chain.root),
      instrument: listing.instrument.id,
      side,
      qty,
      price: at,
      fee: feeOf(listing.instrument, { side, qty, price: at, timeMs, coinTier }),
      timeMs,
    };
  }

  return {
    account,
    told,
    coinTier: () => coinTier,
    venueNowMs: async () => msOf(must(await api.read(clockPayload, '/v2/clock')).timestamp),
    async balance() {
      const now = await account();
      return {
        currency: now.currency,
        cash: money(now.cash),
        equity: money(now.equity),
        buyingPower: money(now.buying_power),
      };
    },
    async positions() {
      const held = must(await api.read(z.array(positionPayload), '/v2/positions'));
      return held.flatMap((one) => {
        const listing = findListing(directory, one);
        if (listing === undefined) {
          onUnlisted(one.symbol);
          return [];
        }
        const size = absolute(quantity(one.qty));
        return { instrument: listing.instrument.id, qty: one.side === 'short' ? negate(size) : size };
      });
    },
    async openOrders() {
      const found = new Map<string, BrokerOrder>();
      for await (const page of openOrderPages(api)) {
        for (const one of page) chains.learn(one);
        for (const one of page) {
          const chain = await chains.of(one.id);
          const order = chain && told(chain);
          if (order !== undefined) found.set(order.brokerOrderId, order);
        }
      }
      return [...found.values()];
    },
    async fillsSince({ fromMs, readMs }) {
      const executions: BrokerExecution[] = [];
      let newestMs = readMs;
      for await (const page of fillPages(api, Math.max(fromMs, readMs - FILLS_OVERLAP_MS))) {
        for (const fill of page) {
          const timeMs = msOf(fill.transaction_time);
          if (timeMs < fromMs) continue;
          newestMs = Math.max(newestMs, timeMs);
          const execution = await executionOf(fill);
          if (execution !== undefined) executions.push(execution);
        }
      }
      return { executions, cursor: { fromMs, readMs: newestMs } };
    },
  };
}

/** What is there for every account can not be "not found". */
function must<T>(told: T | undefined): T {
  if (told === undefined) throw new Error('Alpaca has no such page.');
  return told;
}

async function* openOrderPages(api: AlpacaApi) {
  let after: string | undefined;
  for (let page = 0; page < ORDER_PAGES_MAX; page++) {
    const orders = must(
      await api.read(z.array(orderPayload), '/v2/orders', {
        query: {
          status: 'open',
          direction: 'asc',
          limit: String(ORDERS_PER_PAGE),
          ...(after === undefined ? {} : { after_order_id: after }),
        },
      }),
    );
    yield orders;
    if (orders.length < ORDERS_PER_PAGE) return;
    after = orders.at(-1)?.id;
  }
  throw new Error('Alpaca lists more open orders than can be read.');
}

/** Each page goes on after the last of the one before it. What is beyond the bound is read from the cursor the next time. */
async function* fillPages(api: AlpacaApi, afterMs: number) {
  let token: string | undefined;
  for (let page = 0; page < FILL_PAGES_MAX; page++) {
    const fills = must(
      await api.read(z.array(fillPayload), '/v2/account/activities/FILL', {
        query: {
          direction: 'asc',
          page_size: String(FILLS_PER_PAGE),
          // Exclusive there; a fill of that very moment counts here.
          after: new Date(Math.max(afterMs - 1, 0)).toISOString(),
          ...(token === undefined ? {} : { page_token: token }),
        },
      }),
    );
    yield fills;
    if (fills.length < FILLS_PER_PAGE) return;
    token = fills.at(-1)?.id;
  }
}
