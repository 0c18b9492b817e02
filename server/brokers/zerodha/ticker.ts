/** Kite's stream: what is followed is subscribed to in full on every connection; its text carries the news of orders. */
import { type LiveSocket, type LiveState, openLiveSocket } from '#brokers/live-socket.ts';
import {
  KITE_FOLLOWED_MAX,
  KITE_STREAM_BACKOFF_FIRST_MS,
  KITE_STREAM_BACKOFF_MAX_MS,
  KITE_STREAM_PING_MS,
  KITE_STREAM_SILENCE_MAX_MS,
} from '#limits.ts';
import type { BrokerListing, Clock } from '#ports.ts';
import { type KiteTick, parseTicks } from './ticks.ts';

export interface TickerOptions {
  readonly clock: Clock;
  /** Where it is, with the day's token; undefined while there is none. */
  readonly url: () => string | undefined;
  readonly onText: (message: string) => void;
  readonly onTicks: (ticks: readonly { readonly listing: BrokerListing; readonly tick: KiteTick }[]) => void;
  readonly onState: (state: LiveState) => void;
}

export interface Ticker extends Pick<LiveSocket, 'heardAtMs' | 'reopen' | 'isOpen' | 'close'> {
  start(): void;
  follow(listings: readonly BrokerListing[]): void;
  /** Of what is followed, while the stream is open. */
  latest(listing: BrokerListing): KiteTick | undefined;
}

const say = (a: string, v: unknown): string => JSON.stringify({ a, v });
const tokenOf = ({ extra }: BrokerListing): number => Number(extra['token']);

export function openTicker(options: TickerOptions): Ticker {
  let followed = new Map<number, BrokerListing>();
  const latest = new Map<number, KiteTick>();
  let socket: LiveSocket | undefined;

  const subscribe = (send: (message: string) => void, tokens: readonly number[]): void => {
    if (tokens.length === 0) return;
    send(say('subscribe', tokens));
    send(say('mode', ['full', tokens]));
  };
  function onMessage(message: string | Buffer): void {
    if (typeof message === 'string') return options.onText(message);
    const ticks = parseTicks(message).flatMap((tick) => {
      const listing = followed.get(tick.token);
      return listing === undefined ? [] : { listing, tick };
    });
    for (const { tick } of ticks) latest.set(tick.token, tick);
    if (ticks.length > 0) options.onTicks(ticks);
  }

  return {
    start() {
      socket ??= openLiveSocket({
        url: options.url,
        headers: () => ({ 'x-kite-version': '3' }),
        onOpen: (send) => subscribe(send, [...followed.keys()]),
        onMessage,
        onState: options.onState,
        clock: options.clock,
        silenceMaxMs: KITE_STREAM_SILENCE_MAX_MS,
        pingEveryMs: KITE_STREAM_PING_MS,
        backoff: { firstMs: KITE_STREAM_BACKOFF_FIRST_MS, maxMs: KITE_STREAM_BACKOFF_MAX_MS },
      });
    },
    follow(listings) {
      const next = new Map(listings.slice(0, KITE_FOLLOWED_MAX).map((one) => [tokenOf(one), one]));
      const gone = [...followed.keys()].filter((token) => !next.has(token));
      const added = [...next.keys()].filter((token) => !followed.has(token));
      followed = next;
      for (const token of gone) latest.delete(token);
      if (gone.length > 0) socket?.send(say('unsubscribe', gone));
      subscribe((message) => void socket?.send(message), added);
    },
    latest: (listing) => (socket?.isOpen() === true ? latest.get(tokenOf(listing)) : undefined),
    isOpen: () => socket?.isOpen() ?? false,
    heardAtMs: () => socket?.heardAtMs(),
    reopen: (why) => socket?.reopen(why),
    close: () => socket?.close(),
  };
}
