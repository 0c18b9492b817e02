// A symbol that two of a caller's lists know is the one that a feed of theirs can price, and nobody's guess where both can.
import { expect, test } from 'vitest';
import { BUILT_IN_DIRECTORY, type Instrument } from '#domain/instrument.ts';
import { type AccountId, accountId } from '#domain/principal.ts';
import { instrumentBook } from '#market/instrument-book.ts';
import { openMarkets } from '#market/markets.ts';
import { relayFeed } from '#market/relay-feed.ts';
import type { MarketFeed } from '#ports.ts';
import { marketAmong } from '#tools/callers-market.ts';
import { handClock } from '../support/hand-clock.ts';
import { listing } from '../support/listings.ts';

const SPX = listing('SPX', { directory: BUILT_IN_DIRECTORY }).instrument;
const TAPES_AAPL = listing('AAPL', { directory: BUILT_IN_DIRECTORY }).instrument;
const AAPL = listing('AAPL').instrument;
const [PAPER, MAIN] = [accountId('paper'), accountId('main')];

const pricing = (...some: readonly Instrument[]): MarketFeed => ({
  ...relayFeed(handClock()).feed,
  carries: (id) => some.some((one) => one.id === id),
});

function marketOf(tape: MarketFeed, live: MarketFeed, accounts: readonly AccountId[]) {
  const markets = openMarkets({ feed: tape, directory: BUILT_IN_DIRECTORY });
  markets.add(MAIN, { feed: live, directory: 'acme' });
  return marketAmong({ book: instrumentBook([SPX, TAPES_AAPL, AAPL]), markets }, accounts);
}

test('what only one of the feeds carries is meant', () => {
  const both = marketOf(pricing(SPX), pricing(AAPL), [PAPER, MAIN]);
  expect(both.resolve('AAPL')).toMatchObject({ ok: true, value: { id: AAPL.id } });
  expect(both.resolve('SPX')).toMatchObject({ ok: true, value: { id: SPX.id } });
});

test('what both carry, or neither, is refused with both ids', () => {
  const ids = [TAPES_AAPL.id, AAPL.id];
  for (const [tape, live] of [
    [pricing(TAPES_AAPL), pricing(AAPL)],
    [pricing(SPX), pricing()],
  ] as const) {
    const found = marketOf(tape, live, [PAPER, MAIN]).resolve('AAPL');
    expect(found).toMatchObject({ ok: false, error: { reason: 'ambiguous_symbol', did_you_mean: ids } });
  }
});

test('who has one of the accounts alone finds nothing of the other', () => {
  const one = marketOf(pricing(SPX), pricing(AAPL), [PAPER]);
  expect(one.resolve('AAPL')).toMatchObject({ ok: true, value: { id: TAPES_AAPL.id } });
  expect(one.resolve(AAPL.id).ok).toBe(false);
});
