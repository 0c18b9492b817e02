/** The stream of what becomes of orders: it signs in, listens, and says when it does not. */
import { parseExact } from '#brokers/exact-json.ts';
import { type LiveSocket, openLiveSocket } from '#brokers/live-socket.ts';
import type { Clock } from '#ports.ts';
import { BACKOFF, PING_EVERY_MS, SILENCE_MAX_MS } from './bounds.ts';
import type { AlpacaCredentials } from './settings.ts';
import { openSignInWatch } from './sign-in-watch.ts';
import { type OrderPayload, orderMessage, tradeUpdate } from './wire.ts';

export interface OrderStreamOptions {
  readonly url: string;
  readonly credentials: AlpacaCredentials;
  readonly clock: Clock;
  readonly onListening: (listening: boolean, why: string) => void;
  /** undefined: it was told of in words that can not be read, and has to be asked for. */
  readonly onUpdate: (update: { readonly event: string; readonly order: OrderPayload } | undefined) => void;
  readonly onKey: (isGood: boolean) => void;
}

export function openOrderStream(options: OrderStreamOptions): LiveSocket {
  const { url, credentials, clock, onListening, onUpdate, onKey } = options;
  const watch = openSignInWatch(clock, (why) => socket.reopen(why));
  const socket = openLiveSocket({
    url: () => url,
    clock,
    silenceMaxMs: SILENCE_MAX_MS,
    pingEveryMs: PING_EVERY_MS,
    backoff: BACKOFF,
    onOpen: (send) => {
      const { key_id, secret_key } = credentials;
      watch.began();
      send(JSON.stringify({ action: 'authenticate', data: { key_id, secret_key } }));
    },
    onState: (state) => {
      if (state.kind !== 'down') return;
      watch.over();
      onListening(false, state.why);
    },
    onMessage(message) {
      const parsed = parseExact(typeof message === 'string' ? message : message.toString('utf8'));
      const read = parsed.ok ? orderMessage.safeParse(parsed.value) : undefined;
      if (read?.success !== true) return onUpdate(undefined);
      const { stream, data } = read.data;
      if (stream === 'authorization') {
        const isGood = data['status'] === 'authorized';
        onKey(isGood);
        if (!isGood) throw new Error('The key was refused.');
        socket.send(JSON.stringify({ action: 'listen', data: { streams: ['trade_updates'] } }));
      } else if (stream === 'listening') {
        const streams = data['streams'];
        const listens = Array.isArray(streams) && streams.includes('trade_updates');
        if (!listens) throw new Error('It does not tell of orders.');
        watch.over();
        onListening(true, 'Alpaca tells of orders.');
      } else if (stream === 'trade_updates') {
        const update = tradeUpdate.safeParse(data);
        onUpdate(update.success ? update.data : undefined);
      }
    },
  });
  return {
    ...socket,
    close() {
      watch.over();
      socket.close();
    },
  };
}
