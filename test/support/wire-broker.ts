/** A scripted venue behind a socket: it outlives the process that sends to it, as a real one does. */
import { createConnection, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { money, price, quantity, ratio, ZERO_MONEY } from '#domain/decimal.ts';
import type { BrokerAdapter, BrokerEvent } from '#ports.ts';
import { type ScriptedBroker, scriptedBroker } from './scripted-broker.ts';

const METHODS = [
  'place',
  'replace',
  'cancel',
  'orderByClientId',
  'openOrders',
  'historySince',
  'positions',
  'balance',
] as const;
type Method = (typeof METHODS)[number];

interface Asked {
  readonly id: number;
  readonly method: Method;
  readonly args: readonly unknown[];
}
type Told =
  | { readonly id: number; readonly value?: unknown }
  | { readonly id: number; readonly failed: string }
  | { readonly events: readonly BrokerEvent[] };

/** What is money, a price or an amount says its field's name. */
const DECIMALS: { readonly [field: string]: (text: string) => unknown } = {
  qty: quantity,
  filledQty: quantity,
  price,
  limitPrice: price,
  stopPrice: price,
  distance: price,
  percent: ratio,
  fee: money,
  cash: money,
  equity: money,
  buyingPower: money,
};
const revive = (field: string, value: unknown): unknown =>
  typeof value === 'string' ? (DECIMALS[field]?.(value) ?? value) : value;
const written = (message: Asked | Told): string => `${JSON.stringify(message)}\n`;

export interface VenueDoor {
  readonly port: number;
  /** Once everything that was sent has been taken in: also what a process sent that is dead by now. */
  close(): Promise<void>;
}

export async function serveVenue(broker: ScriptedBroker): Promise<VenueDoor> {
  const server = createServer((socket) => {
    const forget = broker.onEvents((events) => void socket.write(written({ events })));
    socket.on('close', forget);
    linesOf(socket, (line) => {
      const { id, method, args } = JSON.parse(line, revive) as Asked;
      const ask = broker[method] as (...given: readonly unknown[]) => Promise<unknown>;
      ask(...args).then(
        (value) => void socket.write(written({ id, value })),
        (cause: unknown) => void socket.write(written({ id, failed: String(cause) })),
      );
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}

/** What happens on the way of a request that may move money. */
export type WireStep = 'about to be sent' | 'sent' | 'answered';

export interface WireAdapter extends BrokerAdapter {
  /** So that nothing keeps the process alive. */
  readonly hangUp: () => void;
}

/** `watch` hears of each step before it goes on. */
export async function wireAdapter(
  port: number,
  watch: (method: Method, step: WireStep) => void = () => undefined,
): Promise<WireAdapter> {
  const socket = createConnection(port, '127.0.0.1');
  await new Promise((resolve, reject) => void socket.once('connect', resolve).once('error', reject));
  const listeners = new Set<(events: readonly BrokerEvent[]) => void>();
  const waiting = new Map<number, (told: Told) => void>();
  linesOf(socket, (line) => {
    const told = JSON.parse(line, revive) as Told;
    if ('events' in told) for (const listener of listeners) listener(told.events);
    else waiting.get(told.id)?.(told);
  });
  let number = 0;
  const ask = (method: Method, args: readonly unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const moves = method === 'place' || method === 'replace' || method === 'cancel';
      const id = ++number;
      waiting.set(id, (told) => {
        if (moves) watch(method, 'answered');
        waiting.delete(id);
        if ('failed' in told) reject(new Error(told.failed));
        else resolve('value' in told ? told.value : undefined);
      });
      if (moves) watch(method, 'about to be sent');
      sendNow(socket, written({ id, method, args }));
      if (moves) watch(method, 'sent');
    });
  const asked = Object.fromEntries(
    METHODS.map((method) => [method, (...args: readonly unknown[]) => ask(method, args)]),
  ) as unknown as Pick<BrokerAdapter, Method>;
  const { account, broker, mode, currency, accountType, capabilities } = scriptedBroker();
  return {
    account,
    broker,
    market: undefined,
    start: () => undefined,
    health: () => ({ connected: true, trouble: null, signInNeeded: false, sessionEndsAtMs: null }),
    mode,
    currency,
    accountType,
    capabilities,
    estimateFee: () => ZERO_MONEY,
    ...asked,
    connected: () => !socket.destroyed,
    onEvents(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close: () => Promise.resolve(),
    hangUp: () => void socket.destroy(),
  };
}

/** Whoever is at the other end may be dead: that is what this is for. */
function linesOf(socket: Socket, read: (line: string) => void): void {
  const ignore = (): void => undefined;
  socket.on('error', ignore);
  createInterface({ input: socket }).on('line', read).on('error', ignore);
}

/** A small write on an idle socket goes to the kernel at once: once this returns, no death of ours takes it back. */
function sendNow(socket: Socket, text: string): void {
  socket.write(text);
  if (socket.writableLength > 0) throw new Error('the socket took no more');
}
