/** One stream of prices: it follows what it is told to follow, through every reconnect, and says why it can not. */
import { type Exact, parseExact } from '#brokers/exact-json.ts';
import { type LiveSocket, openLiveSocket } from '#brokers/live-socket.ts';
import { printable } from '#domain/refusal.ts';
import type { Clock } from '#ports.ts';
import { BACKOFF, PING_EVERY_MS, SILENCE_MAX_MS, SYMBOLS_PER_MESSAGE } from './bounds.ts';
import type { AlpacaCredentials } from './settings.ts';
import { openSignInWatch } from './sign-in-watch.ts';
import { type QuotePayload, quotePayload, tradePayload } from './wire.ts';

export interface PriceStreamOptions {
  readonly url: string;
  readonly credentials: AlpacaCredentials;
  readonly clock: Clock;
  readonly onQuote: (symbol: string, quote: QuotePayload) => void;
  readonly onTrade: (symbol: string, price: string) => void;
  /** null: it is well again. */
  readonly onTrouble: (why: string | null) => void;
}

export interface PriceStream {
  /** These and no others, from now on; it opens with the first and closes with the last. */
  follow(symbols: ReadonlySet<string>): void;
  heardAtMs(): number | undefined;
  isNeeded(): boolean;
  reopen(why: string): void;
  close(): void;
}

export function openPriceStream(options: PriceStreamOptions): PriceStream {
  const { onQuote, onTrade, onTrouble } = options;
  let wanted: ReadonlySet<string> = new Set();
  let subscribed = new Set<string>();
  let socket: LiveSocket | undefined;
  let signedIn = false;
  const watch = openSignInWatch(options.clock, (why) => socket?.reopen(why));

  const change = (action: 'subscribe' | 'unsubscribe', symbols: readonly string[]): void => {
    for (let from = 0; from < symbols.length; from += SYMBOLS_PER_MESSAGE) {
      const some = symbols.slice(from, from + SYMBOLS_PER_MESSAGE);
      socket?.send(JSON.stringify({ action, quotes: some, trades: some }));
    }
  };
  /** Lets go first: the free plan counts what is followed at any moment. */
  function align(): void {
    if (!signedIn) return;
    change(
      'unsubscribe',
      [...subscribed].filter((symbol) => !wanted.has(symbol)),
    );
    change(
      'subscribe',
      [...wanted].filter((symbol) => !subscribed.has(symbol)),
    );
    subscribed = new Set(wanted);
  }
  function take(message: Message): void {
    const { T: kind, S: symbol } = message;
    if (kind === 'q' && typeof symbol === 'string') {
      const quote = quotePayload.safeParse(message);
      if (quote.success) onQuote(symbol, quote.data);
    } else if (kind === 't' && typeof symbol === 'string') {
      const trade = tradePayload.safeParse(message);
      if (trade.success) onTrade(symbol, trade.data.p);
    } else if (kind === 'success' && message['msg'] === 'authenticated') {
      signedIn = true;
      watch.over();
      onTrouble(null);
      align();
    } else if (kind === 'error') refused(message);
  }
  function refused(message: Message): void {
    const { code, why } = troubleOf(message);
    onTrouble(why);
    // What was asked for in vain; all else of the stream goes on.
    if (!GOES_ON.has(code)) throw new Error(why);
  }
  function end(): void {
    if (socket === undefined) return;
    watch.over();
    socket.close();
    socket = undefined;
    signedIn = false;
    onTrouble(null);
  }
  const open = (): LiveSocket =>
    openLiveSocket({
      url: () => options.url,
      clock: options.clock,
      silenceMaxMs: SILENCE_MAX_MS,
      pingEveryMs: PING_EVERY_MS,
      backoff: BACKOFF,
      onOpen: (send) => {
        signedIn = false;
        subscribed = new Set();
        const { key_id: key, secret_key: secret } = options.credentials;
        watch.began();
        send(JSON.stringify({ action: 'auth', key, secret }));
      },
      onState: (state) => {
        if (state.kind !== 'down') return;
        signedIn = false;
        watch.over();
      },
      onMessage(frame) {
        for (const one of messagesOf(frame)) take(one);
      },
    });

  return {
    follow(symbols) {
      wanted = symbols;
      if (symbols.size === 0) end();
      else if (socket === undefined) socket = open();
      else align();
    },
    heardAtMs: () => (signedIn ? socket?.heardAtMs() : undefined),
    isNeeded: () => wanted.size > 0,
    reopen: (why) => socket?.reopen(why),
    close: end,
  };
}

type Message = Readonly<Record<string, Exact>>;

/** A frame that can not be read is one lost price: the next one comes. */
function messagesOf(frame: string | Buffer): readonly Message[] {
  const parsed = parseExact(typeof frame === 'string' ? frame : frame.toString('utf8'));
  if (!parsed.ok || !Array.isArray(parsed.value)) return [];
  return (parsed.value as readonly Exact[]).filter(
    (one): one is Message => typeof one === 'object' && one !== null && !Array.isArray(one),
  );
}

function troubleOf({ code, msg }: Message): { readonly code: string; readonly why: string } {
  const number = typeof code === 'string' ? code : '';
  const says = typeof msg === 'string' ? printable(msg).slice(0, 200) : 'an error without words';
  return { code: number, why: TROUBLES[number] ?? `Alpaca’s stream of prices: ${says}.` };
}

const TROUBLES: Readonly<Record<string, string>> = {
  '401': 'Alpaca’s stream of prices does not take the key.',
  '402': 'Alpaca’s stream of prices does not take the key.',
  '403': 'Alpaca’s stream of prices was signed in to twice.',
  '404': 'Alpaca’s stream of prices took the sign-in for too slow.',
  '405': 'More symbols are followed than Alpaca’s plan of market data allows.',
  '406': 'Another program holds the only stream of prices that Alpaca’s plan allows.',
  '407': 'Alpaca ended the stream of prices: it was read too slowly.',
  '408': 'Alpaca’s plan of market data does not include this stream.',
  '409': 'Alpaca’s plan of market data does not include this feed.',
  '410': 'Alpaca’s stream of prices does not carry what was asked for.',
};
const GOES_ON: ReadonlySet<string> = new Set(['400', '403', '405', '410']);
