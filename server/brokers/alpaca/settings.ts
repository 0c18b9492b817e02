/** What the owner says of an Alpaca account, and where that leads: hosts by mode, the feed of prices by plan. */
import { z } from 'zod';
import type { BrokerField } from '#brokers/broker.ts';
import { loopbackEndpoint } from '#brokers/endpoint.ts';

/** `iex` comes with every account; `sip` is all US exchanges and a paid plan. */
export const DATA_FEEDS = ['iex', 'sip'] as const;
export type DataFeed = (typeof DATA_FEEDS)[number];

export const alpacaSettings = z.strictObject({
  data_feed: z.enum(DATA_FEEDS).default('iex'),
  /** One address for everything: a simulator, or a proxy that knows the way. */
  endpoints: loopbackEndpoint.optional(),
});
export type AlpacaSettings = z.output<typeof alpacaSettings>;

const key = z
  .string()
  .trim()
  .regex(/^[\x21-\x7e]{10,200}$/, 'must be as Alpaca shows it: 10 characters at least, without spaces');
export const alpacaCredentials = z.strictObject({ key_id: key, secret_key: key });
export type AlpacaCredentials = z.output<typeof alpacaCredentials>;

export const ALPACA_FIELDS: readonly BrokerField[] = [
  {
    name: 'key_id',
    label: 'API key id',
    kind: 'credential',
    hint: 'Paper and live accounts have keys of their own.',
  },
  { name: 'secret_key', label: 'API secret key', kind: 'credential' },
  {
    name: 'data_feed',
    label: 'Prices of US shares',
    kind: 'setting',
    hint: 'iex is one exchange and comes with every account; sip is all of them and needs a paid plan.',
    options: DATA_FEEDS,
    optional: true,
  },
];

export interface Hosts {
  readonly trading: string;
  readonly data: string;
  readonly orderStream: string;
  /** What the path of a feed is put after. */
  readonly priceStreams: string;
}

export function hostsOf(mode: 'paper' | 'live', settings: AlpacaSettings): Hosts {
  if (settings.endpoints !== undefined) {
    const base = settings.endpoints.replace(/\/+$/, '');
    const streams = base.replace(/^http/, 'ws');
    return { trading: base, data: base, orderStream: `${streams}/stream`, priceStreams: streams };
  }
  const host = mode === 'live' ? 'api.alpaca.markets' : 'paper-api.alpaca.markets';
  return {
    trading: `https://${host}`,
    data: 'https://data.alpaca.markets',
    orderStream: `wss://${host}/stream`,
    priceStreams: 'wss://stream.data.alpaca.markets',
  };
}
