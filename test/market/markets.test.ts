/** Which feed each account trades on, and several feeds looked at as one. */
import { describe, expect, it } from 'vitest';
import { price } from '#domain/decimal.ts';
import { BUILT_IN_DIRECTORY, type InstrumentId } from '#domain/instrument.ts';
import { accountId } from '#domain/principal.ts';
import { type MarketSource, openMarkets } from '#market/markets.ts';
import { relayFeed } from '#market/relay-feed.ts';
import type { FeedTick, MarketFeed } from '#ports.ts';
import { handClock } from '../support/hand-clock.ts';
import { listing } from '../support/listings.ts';
import { quoteOf } from '../support/scripted-market.ts';

const SPX = listing('SPX', { directory: BUILT_IN_DIRECTORY, id: 'INDEX:SPX' });
const AAPL = listing('AAPL');
const [TAPE, ONE, TWO] = ['paper', 'one', 'two'].map(accountId) as [
  ReturnType<typeof accountId>,
  ReturnType<typeof accountId>,
  ReturnType<typeof accountId>,
];

/** Carries one instrument, with a quote that was heard at this time. */
function smallFeed(of: typeof AAPL, heardMs: number, bid = '10') {
  const { id } = of.instrument;
  const listeners = new Set<(tick: FeedTick) => void>();
  const quote = { ...quoteOf(of, [bid, '11'], heardMs), publishedMs: heardMs };
  const followed: (readonly InstrumentId[])[] = [];
  const only = <T>(asked: InstrumentId, value: T): T | undefined => (asked === id ? value : undefined);
  const feed: MarketFeed = {
    nowMs: () => heardMs,
    run: () => 7,
    instruments: () => [of.instrument],
    carries: (asked) => asked === id,
    follow: async (ids) => void followed.push(ids),
    hold: () => () => undefined,
    quote: (asked) => only(asked, quote),
    depth: async () => undefined,
    phase: () => undefined,
    finest: (asked) => only(asked, '1m' as const),
    bars: async () => [],
    onTick(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  const tick = (): void => {
    for (const listener of listeners) listener({ quote, run: 1, sessionEnd: false });
  };
  return { feed, tick, followed, heard: () => listeners.size };
}
const source = (feed: MarketFeed, directory = 'acme'): MarketSource => ({ feed, directory });

describe('the markets of accounts', () => {
  it('are the standard one for who has none of its own, and nobody else’s', () => {
    const tape = smallFeed(SPX, 1);
    const live = smallFeed(AAPL, 2);
    const markets = openMarkets(source(tape.feed, BUILT_IN_DIRECTORY));
    markets.add(ONE, source(live.feed));
    expect([markets.of(TAPE), markets.of(ONE)]).toEqual([tape.feed, live.feed]);
    expect(markets.of(ONE).quote(SPX.instrument.id)).toBeUndefined();
    expect(markets.scopesOf([TAPE, ONE, TWO])).toEqual([BUILT_IN_DIRECTORY, 'acme']);
    expect(markets.scopesOf([])).toEqual([BUILT_IN_DIRECTORY]);
    expect(markets.among([ONE])).toBe(live.feed);
    markets.remove(ONE);
    expect(markets.of(ONE)).toBe(tape.feed);
    expect(markets.scopes()).toEqual([BUILT_IN_DIRECTORY]);
  });

  it('together are asked each for its own, and the freshest quote stands', async () => {
    const tape = smallFeed(SPX, 1);
    const old = smallFeed(AAPL, 2, '9');
    const fresh = smallFeed(AAPL, 3, '10.5');
    const markets = openMarkets(source(tape.feed, BUILT_IN_DIRECTORY));
    markets.add(ONE, source(old.feed));
    markets.add(TWO, source(fresh.feed));
    const both = markets.among([TAPE, ONE, TWO]);
    expect(both.quote(AAPL.instrument.id)?.bid).toEqual(price('10.5'));
    expect(both.run(SPX.instrument.id)).toBe(7);
    await both.follow([AAPL.instrument.id]);
    expect([tape.followed, old.followed, fresh.followed]).toEqual([
      [],
      [[AAPL.instrument.id]],
      [[AAPL.instrument.id]],
    ]);
    expect(both.instruments().map(({ id }) => id)).toEqual([SPX.instrument.id, AAPL.instrument.id]);
  });

  it('tick to who listened before they came, once for a feed that two accounts share, and to nobody after', () => {
    const tape = smallFeed(SPX, 1);
    const live = smallFeed(AAPL, 2);
    const markets = openMarkets(source(tape.feed, BUILT_IN_DIRECTORY));
    const heard: string[] = [];
    const stop = markets.onTick(({ quote }) => void heard.push(quote.instrument));
    markets.add(ONE, source(live.feed));
    markets.add(TWO, source(live.feed));
    live.tick();
    tape.tick();
    expect(heard).toEqual(['ACME:AAPL', 'INDEX:SPX']);
    markets.remove(ONE);
    markets.remove(TWO);
    live.tick();
    expect(heard).toHaveLength(2);
    stop();
    expect([tape.heard(), live.heard()]).toEqual([0, 0]);
  });
});

describe('a relay', () => {
  it('keeps who listens and holds while what it stands for comes and goes, and carries nothing in between', () => {
    const clock = handClock();
    const relay = relayFeed(clock);
    const heard: number[] = [];
    relay.feed.onTick(({ quote }) => void heard.push(quote.publishedMs));
    const held: string[] = [];
    const holding = (name: string, feed: MarketFeed): MarketFeed => ({
      ...feed,
      hold: (ids, why) => {
        held.push(`${name} holds ${ids.join()} ${why}`);
        return () => void held.push(`${name} lets go`);
      },
    });
    const release = relay.feed.hold([AAPL.instrument.id], 'traded');
    expect([relay.feed.carries(AAPL.instrument.id), relay.feed.nowMs()]).toEqual([false, clock.wallMs()]);
    const first = smallFeed(AAPL, 1);
    const second = smallFeed(AAPL, 2);
    relay.to(holding('first', first.feed));
    first.tick();
    relay.to(holding('second', second.feed));
    first.tick();
    second.tick();
    release();
    relay.to(undefined);
    second.tick();
    expect(heard).toEqual([1, 2]);
    expect(held).toEqual([
      'first holds ACME:AAPL traded',
      'first lets go',
      'second holds ACME:AAPL traded',
      'second lets go',
    ]);
  });
});
