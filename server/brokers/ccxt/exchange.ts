/** One exchange of ccxt, made ready: its kind of account, its keys, its addresses, and everything it sends through our wire. */

import type { Clock } from '#ports.ts';
import { isRecord } from './answer.ts';
import { type AccountKind, type ExchangeFacts, factsOf } from './facts.ts';
import { loadExchange } from './load.ts';
import type { Ccxt, CcxtSocket } from './types.ts';
import { openWire, type Wire } from './wire.ts';

export interface ExchangeOptions {
  readonly exchange: string;
  readonly kind: AccountKind;
  /** The venue's own testnet. */
  readonly testnet: boolean;
  readonly credentials: Readonly<Record<string, string | undefined>>;
  /** A simulator or a proxy on loopback, in place of every host of the exchange; paths stay as they are. */
  readonly endpoints?: { readonly rest: string; readonly stream?: string | undefined } | undefined;
  readonly clock: Clock;
}

export interface Exchange {
  readonly ccxt: Ccxt;
  readonly kind: AccountKind;
  readonly wire: Wire;
  readonly facts: ExchangeFacts;
  /** Whether it has streams that can be reached: a proxy may carry requests alone. */
  readonly streams: boolean;
  /** Called with the address at every message and every answer to a ping on any of its streams; one listener. */
  onHeard(listener: (url: string) => void): void;
  /** Ends every socket, whether it still answers or not; the next that is asked for is a new one. */
  dropSockets(): void;
  close(): void;
}

/** How often a stream is pinged: one that answers no two of them is dropped by ccxt itself. */
const PING_EVERY_MS = 10_000;

/** Throws with one sentence when it can not be opened: no such exchange, no testnet, a credential missing. */
export function openExchange(options: ExchangeOptions): Exchange {
  const { exchange, kind, testnet, credentials, endpoints, clock } = options;
  const Made = loadExchange(exchange);
  const ccxt = new Made({
    ...Object.fromEntries(Object.entries(credentials).filter(([, value]) => value !== undefined)),
    number: String,
    // Its throttle is our budget.
    enableRateLimit: true,
    newUpdates: true,
    streaming: { keepAlive: PING_EVERY_MS },
    options: {
      defaultType: kind,
      defaultSubType: 'linear',
      adjustForTimeDifference: true,
      maxRetriesOnFailure: 0,
      warnOnFetchOpenOrdersWithoutSymbol: false,
      fetchMargins: false,
      ...ofExchange(exchange),
    },
  });
  const missing = Object.entries(ccxt.requiredCredentials)
    .filter(([name, needed]) => needed && (credentials[name] ?? '') === '')
    .map(([name]) => name);
  if (Object.keys(credentials).length > 0 && missing.length > 0)
    throw new Error(`${ccxt.name} needs ${missing.join(', ')}; nothing was connected.`);
  if (testnet) enterTestnet(ccxt);
  if (endpoints !== undefined) redirect(ccxt, endpoints);
  const facts = factsOf(exchange);
  const wire = openWire(ccxt, clock, facts.oneAtATime ? 1 : undefined);
  let heard: (url: string) => void = () => undefined;
  hookSockets(ccxt, (url) => heard(url));
  const dropSockets = (): void => {
    const open = Object.values(ccxt.clients ?? {});
    void ccxt.close().catch(() => undefined);
    // A socket whose other end is gone would wait for its farewell.
    for (const socket of open) socket.connection?.terminate?.();
  };
  return {
    ccxt,
    kind,
    wire,
    facts,
    streams: endpoints === undefined || endpoints.stream !== undefined,
    onHeard(listener) {
      heard = listener;
    },
    dropSockets,
    close() {
      wire.close();
      dropSockets();
    },
  };
}

/** What is not wanted of the largest: markets of options, and a private question about coins that need not be known. */
const ofExchange = (exchange: string): Readonly<Record<string, unknown>> =>
  exchange.startsWith('binance')
    ? { fetchMarkets: { types: ['spot', 'linear'] }, fetchCurrencies: false }
    : {};

function enterTestnet(ccxt: Ccxt): void {
  if (ccxt.urls['test'] === undefined)
    throw new Error(
      `${ccxt.name} has no testnet: it can be added as a live account, or traded on paper by its public prices.`,
    );
  ccxt.setSandboxMode(true);
}

function redirect(
  ccxt: Ccxt,
  { rest, stream }: { readonly rest: string; readonly stream?: string | undefined },
): void {
  const at = (address: unknown): unknown => {
    if (isRecord(address))
      return Object.fromEntries(Object.entries(address).map(([name, one]) => [name, at(one)]));
    if (typeof address !== 'string') return address;
    const parts = /^(https?|wss?):\/\/[^/]+(\/.*)?$/.exec(address);
    if (parts === null) return address;
    const base = parts[1]?.startsWith('ws') === true ? stream : rest;
    return base === undefined ? 'wss://nowhere.invalid' : `${base.replace(/\/$/, '')}${parts[2] ?? ''}`;
  };
  ccxt.urls['api'] = at(ccxt.urls['api']);
}

/** A number of more digits than a JavaScript number keeps is made text before ccxt parses the message. */
const LONG_NUMBER = /([:[,]\s*)(-?(?=[\d.]*\d[\d.]{15})\d+(?:\.\d+)?)(?=\s*[,\]}])/g;

function hookSockets(ccxt: Ccxt, heard: (url: string) => void): void {
  const open = ccxt.client.bind(ccxt);
  const hooked = new WeakSet<CcxtSocket>();
  ccxt.client = (url) => {
    const socket = open(url);
    if (hooked.has(socket)) return socket;
    hooked.add(socket);
    const receive = socket.onMessage.bind(socket);
    const answered = socket.onPong.bind(socket);
    socket.onMessage = ({ data }) => {
      heard(url);
      const isText = typeof data === 'string' || Buffer.isBuffer(data);
      const text = isText ? String(data) : undefined;
      const isJson = text !== undefined && /^\s*[{[]/.test(text);
      receive({ data: isJson ? text.replaceAll(LONG_NUMBER, '$1"$2"') : data });
    };
    socket.onPong = () => {
      heard(url);
      answered();
    };
    return socket;
  };
}
