/** The last quote of an instrument, where a venue's clock or a single tick says a time that has not come. */
import { expect, it } from 'vitest';
import { price, text } from '#domain/decimal.ts';
import { instrumentId } from '#domain/instrument.ts';
import { openLiveQuotes } from '#market/live-quotes.ts';
import type { Quote } from '#ports.ts';

const NOW_MS = 1_767_600_000_000;
const quoted = (at: string, timeMs: number): Quote => ({
  instrument: instrumentId('BROKER:ABC'),
  bid: price(at),
  ask: price(at),
  last: null,
  bidSize: null,
  askSize: null,
  timeMs,
  publishedMs: NOW_MS,
  source: 'live',
});

it('one tick from the future does not keep out every quote until then', () => {
  let nowMs = NOW_MS;
  const quotes = openLiveQuotes(() => nowMs);
  quotes.take(quoted('100', NOW_MS + 365 * 86_400_000), 'streamed');
  nowMs += 1_000;
  expect(quotes.take(quoted('60', nowMs), 'streamed')).toMatchObject({ publishedMs: nowMs, timeMs: nowMs });
  const kept = quotes.get(instrumentId('BROKER:ABC'));
  expect(kept && text(kept.bid)).toBe('60');
  // What is older than that is still no news.
  expect(quotes.take(quoted('61', nowMs - 500), 'streamed')).toBeUndefined();
});
