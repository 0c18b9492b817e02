/** A small broker behind a real socket on loopback, with an adapter of its own: for what the gateway does around adapters. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { type BrokerConnection, type BrokerDefinition, defineBroker } from '#brokers/broker.ts';
import { loopbackEndpoint } from '#brokers/endpoint.ts';
import { type HttpCaller, openHttpCaller } from '#brokers/http-call.ts';
import { PAPER_CAPABILITIES } from '#brokers/paper/adapter.ts';
import { money, price, quantity, text, ZERO_MONEY } from '#domain/decimal.ts';
import type { InstrumentId } from '#domain/instrument.ts';
import type { ClearedOrder } from '#domain/order.ts';
import { err, ok } from '#domain/result.ts';
import type { BrokerAdapter, BrokerEvent, BrokerExecution, PlaceOutcome } from '#ports.ts';

/** As the venue keeps it: everything fills at once at this price. */
interface VenueOrder {
  readonly clientId: string;
  readonly instrument: string;
  readonly side: 'buy' | 'sell';
  readonly qty: string;
}
export const VENUE_PRICE = '1402';

export interface LoopbackVenue {
  readonly endpoint: string;
  /** The only pair that opens the account. */
  key: string;
  secret: string;
  currency: string;
  /** What it says to who brings a wrong pair. */
  objection: string;
  /** What it answers to every question instead, as long as it is set; `silence` never answers. */
  fault: 'silence' | 'echo' | undefined;
  /** Tokens that a sign-in gave and that still hold; requests of `daily` bring one. */
  readonly tokens: Set<string>;
  /** What comes back with the owner from the sign-in page, each good once. */
  readonly requestTokens: Set<string>;
  readonly orders: VenueOrder[];
  /** Paths in the order they were asked. */
  readonly asked: string[];
  /** How many connections are open. */
  connections(): Promise<number>;
  close(): Promise<void>;
}

export async function loopbackVenue(): Promise<LoopbackVenue> {
  const server = createServer((request, response) => void answer(venue, request, response));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const venue: LoopbackVenue = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    key: 'canary-key-7f3a',
    secret: 'canary-secret-91c2',
    currency: 'USD',
    objection: 'the key or the secret is wrong',
    fault: undefined,
    tokens: new Set(),
    requestTokens: new Set(),
    orders: [],
    asked: [],
    connections: () =>
      new Promise((resolve, reject) => {
        server.getConnections((cause, count) => (cause === null ? resolve(count) : reject(cause)));
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return venue;
}

async function answer(
  venue: LoopbackVenue,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  const path = request.url ?? '';
  venue.asked.push(path);
  const tell = (status: number, value: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  };
  const given = String(request.headers.authorization ?? '');
  if (venue.fault === 'silence') return;
  // A broker that repeats what it was sent, secrets and all.
  if (venue.fault === 'echo') return tell(403, { message: `no access for ${given}` });
  if (path === '/session') {
    const { request_token: once } = JSON.parse(body) as { request_token: string };
    if (!venue.requestTokens.delete(once)) return tell(403, { message: 'the request token is not known' });
    const token = `canary-token-${once}`;
    venue.tokens.add(token);
    return tell(200, { token });
  }
  if (given !== `${venue.key}:${venue.secret}` && !venue.tokens.has(given))
    return tell(401, { message: venue.objection });
  if (path === '/account') return tell(200, { currency: venue.currency, cash: '25000', equity: '25000.5' });
  if (path === '/orders' && request.method === 'POST') {
    venue.orders.push(JSON.parse(body) as VenueOrder);
    return tell(200, { id: `v${venue.orders.length}` });
  }
  if (path === '/orders') return tell(200, venue.orders);
  return tell(404, { message: 'not found' });
}

const settings = z.strictObject({ endpoint: loopbackEndpoint, desk: z.enum(['main', 'other']).optional() });
const credentials = z.strictObject({ key: z.string().max(40, 'is longer than a key'), secret: z.string() });
const fields: BrokerDefinition['fields'] = [
  { name: 'key', label: 'Key', kind: 'credential', hint: 'Shown once where you made it.' },
  { name: 'secret', label: 'Secret', kind: 'credential' },
  { name: 'endpoint', label: 'Address', kind: 'setting' },
  { name: 'desk', label: 'Desk', kind: 'setting', options: ['main', 'other'], optional: true },
];

/** Keys are all it takes. */
export const loopback = defineBroker({
  id: 'loopback',
  label: 'Loopback',
  modes: ['paper', 'live'],
  capabilities: { ...PAPER_CAPABILITIES, brackets: false, replace: false },
  settings,
  credentials,
  fields,
  directory: () => undefined,
  currency: () => 'USD',
  connect: (connection) => connectLoopback(connection, 'loopback'),
});

/** Real money alone, and a token that a sign-in at the broker's own page gives. */
export const daily = defineBroker({
  id: 'daily',
  label: 'Daily',
  modes: ['live'],
  capabilities: { ...PAPER_CAPABILITIES, brackets: false, replace: false },
  settings,
  credentials,
  fields,
  directory: () => undefined,
  currency: () => 'USD',
  connect: (connection) => connectLoopback(connection, 'daily'),
});

type Connection = BrokerConnection<z.output<typeof settings>, z.output<typeof credentials>>;

/** How long before its end the sign-in of `daily` is asked for. */
const SESSION_MS = 3_600_000;

function connectLoopback(connection: Connection, broker: 'loopback' | 'daily'): BrokerAdapter {
  const { account, credentials: keys, session, clock } = connection;
  const listeners = new Set<(events: readonly BrokerEvent[]) => void>();
  const emit = (event: BrokerEvent): void => {
    for (const listener of listeners) listener([event]);
  };
  let connected = false;
  let trouble: string | null = null;
  const authorization = (): string =>
    broker === 'daily' ? (session.read() ?? '') : `${keys.key}:${keys.secret}`;
  const caller = openHttpCaller({
    baseUrl: account.settings.endpoint,
    headers: () => ({ authorization: authorization() }),
    timeoutMs: 10_000,
    bodyMaxBytes: 100_000,
    clock,
  });
  const signedOut = (): boolean => broker === 'daily' && session.read() === undefined;

  function stand(now: boolean, detail: string): void {
    trouble = now ? null : detail;
    if (now === connected) return;
    connected = now;
    emit({ kind: 'connection', connected: now, detail });
  }
  async function look(): Promise<void> {
    if (signedOut()) return stand(false, 'You have to sign in at the broker.');
    await ask(caller, 'GET', '/account').then(
      () => stand(true, 'connected'),
      (cause: unknown) => stand(false, (cause as Error).message),
    );
  }
  const executions = async (): Promise<readonly BrokerExecution[]> =>
    ((await ask(caller, 'GET', '/orders')) as readonly VenueOrder[]).map((order, index) => ({
      executionId: `x${index + 1}`,
      brokerOrderId: `v${index + 1}`,
      brokerClientId: order.clientId,
      instrument: order.instrument as InstrumentId,
      side: order.side,
      qty: quantity(order.qty),
      price: price(VENUE_PRICE),
      fee: ZERO_MONEY,
      timeMs: clock.wallMs(),
    }));

  const adapter: BrokerAdapter = {
    account: account.id,
    broker,
    mode: account.mode,
    currency: account.currency,
    accountType: 'margin',
    capabilities: broker === 'daily' ? daily.capabilities : loopback.capabilities,
    market: undefined,
    start: () => void look(),
    connected: () => connected,
    health: () => ({
      connected,
      trouble,
      signInNeeded: signedOut(),
      sessionEndsAtMs: broker === 'daily' && !signedOut() ? clock.wallMs() + SESSION_MS : null,
    }),
    async place(order: ClearedOrder): Promise<PlaceOutcome> {
      const closed = connection.gate(order);
      if (closed !== undefined) return { kind: 'not_sent', reason: closed };
      const sent = {
        clientId: order.brokerClientId,
        instrument: order.instrument,
        side: order.side,
        qty: text(order.qty),
      };
      try {
        const { id } = (await ask(caller, 'POST', '/orders', sent)) as { id: string };
        const done = (await executions()).at(-1);
        if (done !== undefined) setImmediate(() => emit({ kind: 'execution', execution: done }));
        return { kind: 'accepted', brokerOrderId: id };
      } catch (cause) {
        return { kind: 'rejected', reason: (cause as Error).message };
      }
    },
    replace: () => Promise.resolve({ kind: 'rejected', reason: 'no order rests here' }),
    cancel: () => Promise.resolve({ kind: 'gone', reason: 'no order rests here' }),
    orderByClientId: () => Promise.resolve(undefined),
    openOrders: () => Promise.resolve([]),
    async historySince(cursor) {
      const all = await executions();
      const from = cursor === undefined ? all.length : Number(cursor);
      return { executions: all.slice(from), settlements: [], cursor: String(all.length) };
    },
    async positions() {
      const held = new Map<string, ReturnType<typeof quantity>>();
      for (const { instrument, side, qty } of await executions())
        held.set(
          instrument,
          (held.get(instrument) ?? quantity('0')).plus(side === 'buy' ? qty : qty.neg()) as ReturnType<
            typeof quantity
          >,
        );
      return [...held].map(([instrument, qty]) => ({ instrument: instrument as InstrumentId, qty }));
    },
    async balance() {
      const told = (await ask(caller, 'GET', '/account')) as {
        currency: string;
        cash: string;
        equity: string;
      };
      return {
        currency: told.currency,
        cash: money(told.cash),
        equity: money(told.equity),
        buyingPower: money(told.cash),
      };
    },
    estimateFee: () => ZERO_MONEY,
    onEvents(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async close() {
      listeners.clear();
      caller.close();
    },
  };
  if (broker === 'loopback') return adapter;
  return {
    ...adapter,
    signIn: {
      url: (state) =>
        `https://broker.example/login?api_key=${keys.key}&redirect_params=${encodeURIComponent(`state=${state}`)}`,
      async finish(query) {
        try {
          const given = { request_token: query['request_token'] ?? '' };
          const { token } = (await ask(caller, 'POST', '/session', given)) as { token: string };
          session.write(token);
          await look();
          return ok(undefined);
        } catch (cause) {
          return err(`Daily did not take the sign-in: ${(cause as Error).message}.`);
        }
      },
    },
  };
}

async function ask(
  caller: HttpCaller,
  method: 'GET' | 'POST',
  path: string,
  value?: unknown,
): Promise<unknown> {
  const got = await caller.call({
    method,
    path,
    ...(value === undefined ? {} : { body: { kind: 'json', value } }),
  });
  if (got.kind !== 'answer') throw new Error(got.reason);
  const told = JSON.parse(got.text) as { message?: string };
  if (got.status !== 200) throw new Error(told.message ?? `status ${got.status}`);
  return told;
}
