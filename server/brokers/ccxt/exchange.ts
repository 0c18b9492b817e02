/** One exchange of ccxt, made ready: its kind of account, its keys, its addresses, and everything it sends through our wire. */
import { withoutSecrets } from '#brokers/without-secrets.ts';
import { CCXT_PING_INTERVAL_MS, CCXT_SILENCE_MAX_MS } from '#limits.ts';
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
  /** A simulator or a proxy on loopback, in place of every host of the exchange; paths stay as they are, those of streams behind the host. */
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
    options: {
      defaultType: kind,
      ...(kind === 'swap' ? { defaultSubType: 'linear' } : {}),
      adjustForTimeDifference: true,
      maxRetriesOnFailure: 0,
      warnOnFetchOpenOrdersWithoutSymbol: false,
      fetchMargins: false,
      // How long to wait before a stream is opened anew is decided here, by our clock.
      ws: { backoff: { base: 0, max: 0 } },
      ...ofExchange(exchange),
    },
  });
  refuseFeesOfCcxt(ccxt);
  // It would write what can not be read to standard output, with the address of its stream, which may hold a key.
  ccxt.log = () => undefined;
  const missing = Object.entries(ccxt.requiredCredentials)
    .filter(([name, needed]) => needed && (credentials[name] ?? '') === '')
    .map(([name]) => name);
  if (Object.keys(credentials).length > 0 && missing.length > 0)
    throw new Error(`${ccxt.name} needs ${missing.join(', ')}; nothing was connected.`);
  if (testnet) enterTestnet(ccxt);
  if (endpoints !== undefined) redirect(ccxt, endpoints);
  const facts = factsOf(exchange);
  const secrets = Object.values(credentials).filter((one) => one !== undefined);
  const wire = heardWithout(secrets, openWire(ccxt, clock, facts));
  let heard: (url: string) => void = () => undefined;
  const heardAtMs = new Map<string, number>();
  hookSockets(ccxt, (url) => {
    heardAtMs.set(url, clock.monotonicMs());
    heard(url);
  });
  const stopWatching = watchSockets(ccxt, clock, heardAtMs);
  // Not by ccxt's own close: that waits for a farewell, which one that is gone, or never was open, does not give.
  const dropSockets = (): void => {
    for (const [url, socket] of Object.entries(ccxt.clients ?? {})) {
      socket.reset(new Error('The stream was ended.'));
      socket.connection?.terminate?.();
      if (ccxt.clients !== undefined) delete ccxt.clients[url];
    }
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
      stopWatching();
      wire.close();
      dropSockets();
    },
  };
}

/** An exchange that quotes the key it complains of, by whatever status it answers, is heard without it. */
const heardWithout = (secrets: readonly string[], wire: Wire): Wire => ({
  ...wire,
  async run(errand, call) {
    try {
      return await wire.run(errand, call);
    } catch (fault) {
      // Its class says what it means, so it stays the same fault.
      if (fault instanceof Error) fault.message = withoutSecrets(fault.message, secrets);
      throw fault;
    }
  },
});

/** What is not wanted of the largest: markets of options, and a private question about coins that need not be known. */
const ofExchange = (exchange: string): Readonly<Record<string, unknown>> =>
  exchange.startsWith('binance')
    ? { fetchMarkets: { types: ['spot', 'linear'] }, fetchCurrencies: false }
    : {};

/**
 * Where an exchange lets a program have a fee, ccxt approves one of its own with the owner's key, before the first order or with
 * the first question about coins, and adds it to every order. Nobody here agreed to that.
 */
function refuseFeesOfCcxt(ccxt: Ccxt): void {
  Object.assign(ccxt.options, { builderFee: false, builderFeeRate: '0', builderId: undefined, refSet: true });
  // Switched off, it would still be approved, at nothing.
  if (ccxt.handleBuilderFeeApproval !== undefined) ccxt.handleBuilderFeeApproval = async () => false;
}

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
    const [, scheme, host, path = ''] = /^(https?|wss?):\/\/([^/]+)(\/.*)?$/.exec(address) ?? [];
    if (scheme === undefined) return address;
    if (scheme.startsWith('http')) return `${rest.replace(/\/$/, '')}${path}`;
    // ccxt tells streams apart by their hosts, which therefore stay, as the beginning of the path.
    return stream === undefined ? 'wss://nowhere.invalid' : `${stream.replace(/\/$/, '')}/${host}${path}`;
  };
  ccxt.urls['api'] = at(ccxt.urls['api']);
}

const OPEN = 1;

/** By our clock: a socket that answers no ping stands open for nobody, and is ended, so that who waits for it hears of it. */
function watchSockets(ccxt: Ccxt, clock: Clock, heardAtMs: Map<string, number>): () => void {
  let stop = (): void => undefined;
  const look = (): void => {
    const nowMs = clock.monotonicMs();
    const open = Object.values(ccxt.clients ?? {}).filter((one) => one.connection?.readyState === OPEN);
    for (const { url, connection } of open) {
      if (!heardAtMs.has(url)) heardAtMs.set(url, nowMs);
      if (nowMs - (heardAtMs.get(url) ?? nowMs) > CCXT_SILENCE_MAX_MS) connection?.terminate?.();
      else connection?.ping?.();
    }
    for (const url of heardAtMs.keys()) if (!open.some((one) => one.url === url)) heardAtMs.delete(url);
    stop = clock.after(CCXT_PING_INTERVAL_MS, look);
  };
  stop = clock.after(CCXT_PING_INTERVAL_MS, look);
  return () => stop();
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
    // Promises that nobody waits for any more end with their socket; the gateway must not.
    socket.connected.catch(() => undefined);
    const promise = socket.future.bind(socket);
    socket.future = (name) => {
      const made = promise(name);
      made.catch(() => undefined);
      return made;
    };
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
