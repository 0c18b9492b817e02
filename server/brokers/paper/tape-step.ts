/** What the venue sees of a tape's step: its quote, the displayed levels, and how far its bar will go. */
import type { TapeStep } from '#market/tape-feed.ts';
import type { PaperStep } from './prices.ts';

export function paperStep(step: TapeStep): PaperStep {
  const { quote, tapeBar } = step;
  return {
    kind: step.kind,
    quote,
    previous: step.previous,
    bids: [{ price: quote.bid, size: quote.bidSize }],
    asks: [{ price: quote.ask, size: quote.askSize }],
    bar: {
      lowBid: tapeBar.bid.low,
      highAsk: tapeBar.ask.high,
      closeBid: tapeBar.bid.close,
      closeAsk: tapeBar.ask.close,
      volume: tapeBar.volume,
    },
    barKey: `${step.run}:${step.bar}`,
    stepsPerBar: step.stepsPerBar,
    phase: step.phase,
    timeMs: step.timeMs,
    run: step.run,
    sessionEnd: step.sessionEnd,
    dayEnd: step.dayEnd,
    tapeEnd: step.tapeEnd,
  };
}
