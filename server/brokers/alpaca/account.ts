/** What Alpaca lets this adapter know of an account: money, positions, orders at work. */
import { z } from 'zod';
import type { BrokerDirectory } from '#brokers/broker.ts';
import { absolute, money, negate, quantity } from '#domain/decimal.ts';
import type { BrokerBalance, BrokerOrder, BrokerPosition } from '#ports.ts';
import type { AlpacaApi } from './api.ts';
import { ORDER_PAGES_MAX, ORDERS_PER_PAGE } from './bounds.ts';
import type { Chain, Chains } from './chains.ts';
import { findListing } from './listings.ts';
import { orderOf } from './terms.ts';
import {
  type AccountPayload,
  accountPayload,
  clockPayload,
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
  /** Alpaca's id of it, which never changes: as last told, or asked for. */
  id(): Promise<string>;
  positions(): Promise<readonly BrokerPosition[]>;
  openOrders(): Promise<readonly BrokerOrder[]>;
  /** Of a chain, in the list's terms; undefined: not of the list. */
  told(chain: Chain): BrokerOrder | undefined;
}

export function openAccountReads(options: AccountOptions): AccountReads {
  const { api, chains, directory, onUnlisted } = options;
  let coinTier = 1;
  let id: string | undefined;

  async function account(): Promise<AccountPayload> {
    const told = must(await api.read(accountPayload, '/v2/account'));
    coinTier = Number(told.crypto_tier ?? coinTier);
    id = told.id;
    return told;
  }
  function told(chain: Chain): BrokerOrder | undefined {
    if (chain.isCut) throw new Error('Alpaca replaced the order and does not tell by which.');
    const listing = findListing(directory, chain.root);
    const order = listing === undefined ? undefined : orderOf(chain, listing);
    if (order === undefined) onUnlisted(chain.root.symbol);
    return order;
  }

  return {
    account,
    told,
    coinTier: () => coinTier,
    id: async () => id ?? (await account()).id,
    venueNowMs: async () => msOf(must(await api.read(clockPayload, '/v2/clock')).timestamp),
    async balance() {
      const now = await account();
      return {
        currency: now.currency,
        cash: money(now.cash),
        equity: money(now.equity),
        buyingPower: money(now.buying_power),
        // It lends nothing for coins.
        ...(typeof now.non_marginable_buying_power === 'string'
          ? { coinBuyingPower: money(now.non_marginable_buying_power) }
          : {}),
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
  };
}

/** What is there for every account can not be "not found". */
export function must<T>(told: T | undefined): T {
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
