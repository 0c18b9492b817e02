/** What the venue sees of a tape's step: its quote, the displayed levels, and how far its bar will go. */
import { add, type Price, roundDownTo } from '#domain/decimal.ts';
import type { TapeFeed, TapeStep } from '#market/tape-feed.ts';
import type { PaperStep } from './prices.ts';

export function paperStep(feed: TapeFeed, step: TapeStep): PaperStep {
  const { quote, tapeBar } = step;
  const { tick } = feed.tape.instrument;
  // A tape without quotes is quoted a tick wide from the price rounded down; the same holds for its extremes.
  const bidOf = (at: Price): Price => roundDownTo(at, tick);
  const askOf = (at: Price): Price => add(bidOf(at), tick);
  return {
    kind: step.kind,
    quote,
    previous: step.previous,
    bids: [{ price: quote.bid, size: quote.bidSize }],
    asks: [{ price: quote.ask, size: quote.askSize }],
    bar: {
      lowBid: tapeBar.bid?.low ?? bidOf(tapeBar.low),
      highAsk: tapeBar.ask?.high ?? askOf(tapeBar.high),
      closeBid: tapeBar.bid?.close ?? bidOf(tapeBar.close),
      closeAsk: tapeBar.ask?.close ?? askOf(tapeBar.close),
      volume: tapeBar.volume,
    },
    barKey: `${step.run}:${step.bar}`,
    stepsPerBar: step.stepsPerBar,
    phase: phaseAt(feed, step.quote.timeMs),
    timeMs: step.timeMs,
    run: step.run,
    sessionEnd: step.sessionEnd,
    tapeEnd: step.tapeEnd,
  };
}

function phaseAt(feed: TapeFeed, atMs: number): PaperStep['phase'] {
  const { calendar } = feed.tape;
  if (calendar.sessionAt(atMs) !== undefined) return 'open';
  return calendar.extendedAt(atMs) === undefined ? 'closed' : 'extended';
}
