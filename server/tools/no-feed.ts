/** What is said of an instrument that we know and no feed carries. */
import type { Instrument } from '#domain/instrument.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { FEED_INSTRUMENTS_NAMED_MAX } from '#limits.ts';
import type { MarketFeed } from '#ports.ts';

/** What is carried is told and not suggested: another instrument is not another spelling of this one. */
export function noFeed(feed: MarketFeed, instrument: Instrument): Refusal {
  const carried = feed
    .instruments()
    .slice(0, FEED_INSTRUMENTS_NAMED_MAX)
    .map(({ symbol }) => symbol);
  const those = carried.length === 0 ? 'none at the moment' : carried.join(', ');
  const detail = `No feed carries ${instrument.symbol} here; carried: ${those}.`;
  return refuse('no_reference_price', detail);
}
