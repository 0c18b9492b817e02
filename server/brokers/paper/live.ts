/** A paper account on live quotes: each that is heard is a step of its venue, and what a session ends is ended by the calendar. */
import type { InstrumentId } from '#domain/instrument.ts';
import type { AccountId } from '#domain/principal.ts';
import { PAPER_SESSION_LOOK_MS, QUOTE_AGE_MAX_MS } from '#limits.ts';
import { venueCalendar } from '#market/calendar.ts';
import type { BrokerListing, Clock, MarketFeed, Quote } from '#ports.ts';
import type { Store } from '#store/open.ts';
import { openVenue, type PaperAdapter } from './adapter.ts';
import type { PaperOrder } from './book.ts';
import type { PaperStep } from './prices.ts';
import { type PaperSettings, PRESET_RULES } from './settings.ts';

export interface LivePaperConnection {
  readonly account: { readonly id: AccountId; readonly currency: string; readonly settings: PaperSettings };
  readonly store: Store;
  readonly clock: Clock;
  readonly feed: MarketFeed;
  readonly directory: { byId(id: InstrumentId): BrokerListing | undefined };
}

/** Opens the account, with its deposit when it is new. Throws PaperError when its currency is another than it was. */
export function connectLivePaper({
  account,
  store,
  clock,
  feed,
  directory,
}: LivePaperConnection): PaperAdapter {
  const instrumentOf = (id: InstrumentId) => directory.byId(id)?.instrument;
  const venue = openVenue({
    account: account.id,
    settings: account.settings,
    rules: PRESET_RULES[account.settings.preset],
    store,
    // An instrument that has left the list keeps its positions, and has no quote to trade at.
    market: { ...feed, instrument: instrumentOf },
    currency: account.currency,
  });
  /** Of instruments in which something works, the quote before; none after a start. */
  const before = new Map<InstrumentId, Quote>();

  function onQuote(quote: Quote): void {
    const { instrument } = quote;
    // Most ticks are nobody's here: they open no transaction.
    if (!works(venue.working(), instrument) && !venue.isIntraday(instrument)) {
      before.delete(instrument);
      return;
    }
    const phase = feed.phase(instrument)?.phase ?? 'closed';
    const previous = before.get(instrument);
    before.set(instrument, quote);
    if (phase === 'closed' || clock.wallMs() - quote.publishedMs > QUOTE_AGE_MAX_MS) return;
    venue.step(liveStep(quote, previous, { phase, nowMs: clock.wallMs() }));
  }
  function endSessions(): void {
    const nowMs = clock.wallMs();
    const isOver = (order: PaperOrder): boolean => {
      const endsMs = sessionEndOf(order, instrumentOf(order.instrument)?.calendar);
      return endsMs !== undefined && endsMs <= nowMs;
    };
    if ([...venue.working()].some(isOver)) venue.expire(isOver);
  }
  function look(): void {
    cancel = clock.after(PAPER_SESSION_LOOK_MS, () => {
      try {
        endSessions();
      } catch {
        // A store that takes nothing now is tried again at the next look.
      }
      look();
    });
  }

  let cancel = (): void => undefined;
  const deaf = feed.onTick(({ quote, sessionEnd }) => {
    // The end of a session repeats its last quote, which an order may be younger than.
    if (!sessionEnd) onQuote(quote);
  });
  look();
  return {
    ...venue.adapter,
    place(order) {
      const { instrument } = order;
      const now = feed.quote(instrument);
      // What it was placed at says whether the next quote is what it takes, or what came to it.
      if (now && !before.has(instrument)) before.set(instrument, now);
      return venue.adapter.place(order);
    },
    async close() {
      cancel();
      deaf();
      await venue.adapter.close();
    },
  };
}

function works(orders: Iterable<PaperOrder>, instrument: InstrumentId): boolean {
  for (const order of orders) if (order.instrument === instrument) return true;
  return false;
}

/** The displayed size is the venue's where it is known; of what lies between two quotes nothing is. */
function liveStep(
  quote: Quote,
  previous: Quote | undefined,
  at: { readonly phase: PaperStep['phase']; readonly nowMs: number },
): PaperStep {
  return {
    kind: 'quote',
    quote,
    previous,
    bids: [{ price: quote.bid, size: quote.bidSize }],
    asks: [{ price: quote.ask, size: quote.askSize }],
    bar: { lowBid: quote.bid, highAsk: quote.ask, closeBid: quote.bid, closeAsk: quote.ask, volume: null },
    barKey: `live:${quote.timeMs}`,
    stepsPerBar: 1,
    phase: at.phase,
    timeMs: at.nowMs,
    run: 1,
    sessionEnd: false,
    dayEnd: false,
    tapeEnd: false,
  };
}

/** When the session ends that an order is for; undefined: it is for longer, or there is no calendar to say. */
function sessionEndOf(order: PaperOrder, name: string | undefined): number | undefined {
  const calendar = name === undefined ? undefined : venueCalendar(name);
  if (calendar === undefined || order.timeInForce === 'gtc' || order.held) return undefined;
  const session =
    (order.extendedHours ? calendar.extendedAt(order.timeMs) : undefined) ??
    calendar.nextSession(order.timeMs);
  return order.extendedHours ? (session?.postCloseMs ?? session?.closeMs) : session?.closeMs;
}
