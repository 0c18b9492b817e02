/** The feed over a broker's market: what it follows, how old its quotes are, and how it comes back from the dead. */
import { describe, expect, it } from 'vitest';
import { text } from '#domain/decimal.ts';
import type { InstrumentId } from '#domain/instrument.ts';
import { FEED_FOLLOW_GATHER_MS, FEED_FOLLOW_MS, QUOTE_AGE_MAX_MS } from '#limits.ts';
import { openLiveFeed } from '#market/live-feed.ts';
import type { StreamNews } from '#market/stream-watch.ts';
import type { BrokerListing, FeedTick } from '#ports.ts';
import { type HandClock, handClock } from '../support/hand-clock.ts';
import { listing } from '../support/listings.ts';
import { quoteOf, scriptedMarket } from '../support/scripted-market.ts';

/** A Monday, 10:00 in New York. */
const OPEN_MS = Date.UTC(2026, 0, 5, 15);
const AAPL = listing('AAPL');
const MSFT = listing('MSFT');
const IBM = listing('IBM');
const COIN = listing('BTC/USD', { assetClass: 'crypto', calendar: 'crypto', timezone: 'UTC' });
const ALL = [AAPL, MSFT, IBM, COIN];

function liveRoom(options: { readonly atMs?: number; readonly followedMax?: number } = {}) {
  const clock = handClock(options.atMs ?? OPEN_MS);
  const market = scriptedMarket(clock, ALL, { followedMax: options.followedMax ?? 100 });
  const news: StreamNews[] = [];
  const left = new Set<BrokerListing>();
  const feed = openLiveFeed({
    market,
    clock,
    directory: {
      byId: (id) => ALL.find(({ instrument }) => instrument.id === id),
      bySymbol: (symbol) => ALL.find((one) => one.brokerSymbol === symbol && !left.has(one)),
    },
    bars: { finest: () => '1m', query: async () => [] },
    onNews: (one) => void news.push(one),
  });
  feed.start();
  const ticks: FeedTick[] = [];
  feed.onTick((tick) => void ticks.push(tick));
  return { clock, market, feed, news, left, ticks };
}
const idOf = ({ instrument }: BrokerListing): InstrumentId => instrument.id;
const ageOf = (room: { clock: HandClock; feed: ReturnType<typeof openLiveFeed> }, of: BrokerListing) => {
  const quote = room.feed.quote(idOf(of));
  return quote && room.clock.wallMs() - quote.publishedMs;
};

describe('what a live feed follows', () => {
  it('is what was asked for, told to the broker together and let go of after a while', async () => {
    const room = liveRoom();
    await Promise.all([room.feed.follow([idOf(AAPL)]), room.feed.follow([idOf(MSFT)])]);
    expect(room.market.followed).toEqual([]);
    room.clock.advance(FEED_FOLLOW_GATHER_MS);
    expect(room.market.followed).toEqual([['MSFT', 'AAPL']]);
    room.clock.advance(FEED_FOLLOW_MS);
    await room.feed.follow([idOf(IBM)]);
    room.clock.advance(FEED_FOLLOW_GATHER_MS);
    expect(room.market.followed.at(-1)).toEqual(['IBM']);
    expect(room.feed.instruments().map(({ symbol }) => symbol)).toEqual(['IBM']);
  });

  it('has room for what is held and worked first, then for watchers, then for the latest asked', async () => {
    const room = liveRoom({ followedMax: 3 });
    const release = room.feed.hold([idOf(MSFT)], 'watched');
    room.feed.hold([idOf(IBM)], 'traded');
    await room.feed.follow([idOf(AAPL)]);
    room.clock.advance(1);
    await room.feed.follow([idOf(COIN)]);
    room.clock.advance(FEED_FOLLOW_GATHER_MS);
    expect(room.market.followed.at(-1)).toEqual(['IBM', 'MSFT', 'BTC/USD']);
    release();
    release();
    room.clock.advance(FEED_FOLLOW_GATHER_MS);
    expect(room.market.followed.at(-1)).toEqual(['IBM', 'BTC/USD', 'AAPL']);
  });

  it('is nothing that has left the list, though it is still known by its id', async () => {
    const room = liveRoom();
    room.left.add(AAPL);
    await room.feed.follow([idOf(AAPL)]);
    expect(room.feed.carries(idOf(AAPL))).toBe(false);
    expect(room.market.asked).toEqual([]);
    room.clock.advance(FEED_FOLLOW_GATHER_MS);
    expect(room.market.followed).toEqual([]);
  });
});

describe('a quote', () => {
  it('is asked for once, by all who want it, and heard of by all of them', async () => {
    const room = liveRoom();
    let answer: (() => void) | undefined;
    room.market.answer = async ([one]) => {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return one === undefined ? [] : [quoteOf(one, ['10', '10.01'], room.clock.wallMs())];
    };
    const both = [room.feed.follow([idOf(AAPL)]), room.feed.follow([idOf(AAPL)])];
    answer?.();
    await Promise.all(both);
    expect(room.market.asked).toEqual([['AAPL']]);
    expect(text(room.feed.quote(idOf(AAPL))?.ask ?? AAPL.instrument.lot)).toBe('10.01');
    await room.feed.follow([idOf(AAPL)]);
    expect(room.market.asked).toHaveLength(1);
  });

  it('does not keep anybody waiting whose broker says nothing, or that it failed', async () => {
    const room = liveRoom();
    room.market.answer = () => new Promise(() => undefined);
    const waiting = room.feed.follow([idOf(AAPL)]);
    await room.clock.advanceAsync(10_000);
    await waiting;
    room.market.answer = () => Promise.reject(new Error('503'));
    await room.feed.follow([idOf(AAPL)]);
    expect(room.feed.quote(idOf(AAPL))).toBeUndefined();
  });

  it('is as old as the hearing of it on the stream, and as the venue says where it was asked for', async () => {
    const room = liveRoom();
    const oldMs = OPEN_MS - 300_000;
    room.market.answer = async () => [quoteOf(AAPL, ['10', '10.01'], oldMs)];
    await room.feed.follow([idOf(AAPL)]);
    expect(ageOf(room, AAPL)).toBe(300_000);
    room.market.say(quoteOf(AAPL, ['10', '10.02'], OPEN_MS - 200));
    expect(ageOf(room, AAPL)).toBe(0);
    room.clock.advance(5_000);
    expect(ageOf(room, AAPL)).toBe(5_000);
    // The venue repeats to a new subscriber what it last had.
    room.market.say(quoteOf(MSFT, ['5', '5.01'], OPEN_MS - QUOTE_AGE_MAX_MS - 1));
    expect(ageOf(room, MSFT)).toBeGreaterThan(QUOTE_AGE_MAX_MS);
    room.market.say(quoteOf(IBM, ['7', '7.01'], room.clock.wallMs() + 60_000));
    expect(ageOf(room, IBM)).toBe(0);
  });

  it('is never replaced by an older one, nor by one without a side or crossed', () => {
    const room = liveRoom();
    room.market.say(quoteOf(AAPL, ['10', '10.01'], OPEN_MS));
    room.clock.advance(1_000);
    room.market.say(quoteOf(AAPL, ['9', '9.01'], OPEN_MS - 1));
    room.market.say(quoteOf(AAPL, ['0', '10.01'], OPEN_MS + 1));
    room.market.say(quoteOf(AAPL, ['10', '0'], OPEN_MS + 1));
    room.market.say(quoteOf(AAPL, ['10.02', '10.01'], OPEN_MS + 1));
    expect(text(room.feed.quote(idOf(AAPL))?.bid ?? AAPL.instrument.lot)).toBe('10');
    expect(ageOf(room, AAPL)).toBe(1_000);
    expect(room.ticks).toHaveLength(1);
    room.market.say(quoteOf(AAPL, ['10.01', '10.01'], OPEN_MS + 1));
    expect(room.ticks).toHaveLength(2);
  });

  it('reaches every listener, whoever throws', () => {
    const room = liveRoom();
    const heard: string[] = [];
    room.feed.onTick(() => {
      throw new Error('a listener of ours');
    });
    room.feed.onTick(({ quote }) => void heard.push(quote.instrument));
    room.market.say(quoteOf(AAPL, ['10', '10.01'], OPEN_MS), quoteOf(MSFT, ['5', '5.01'], OPEN_MS));
    expect(heard).toEqual(['ACME:AAPL', 'ACME:MSFT']);
  });
});

describe('the sessions of a live feed', () => {
  it('are the calendar’s: open, extended, closed, each by the wall clock', () => {
    const phases = [OPEN_MS, OPEN_MS - 3 * 3_600_000, OPEN_MS - 12 * 3_600_000].map((atMs) => {
      const { feed } = liveRoom({ atMs });
      return [feed.phase(idOf(AAPL))?.phase, feed.phase(idOf(COIN))?.phase];
    });
    expect(phases).toEqual([
      ['open', 'open'],
      ['extended', 'open'],
      ['closed', 'open'],
    ]);
  });

  it('end with a tick at the close, once, for what is followed there and quoted', async () => {
    const room = liveRoom({ atMs: OPEN_MS + 5.9 * 3_600_000 });
    await room.feed.follow([idOf(AAPL), idOf(COIN), idOf(MSFT)]);
    room.clock.advance(FEED_FOLLOW_GATHER_MS);
    room.market.say(quoteOf(AAPL, ['10', '10.01'], room.clock.wallMs()));
    room.market.say(quoteOf(COIN, ['9', '9.01'], room.clock.wallMs()));
    room.ticks.length = 0;
    room.clock.advance(600_000);
    const ends = room.ticks.filter(({ sessionEnd }) => sessionEnd);
    expect(ends.map(({ quote }) => quote.instrument)).toEqual(['ACME:AAPL']);
    room.clock.advance(3_600_000);
    expect(room.ticks.filter(({ sessionEnd }) => sessionEnd)).toHaveLength(1);
  });
});

describe('a stream that dies', () => {
  it('is found within thirty seconds of an open market, opened anew more and more seldom, and found back', async () => {
    const room = liveRoom();
    await room.feed.follow([idOf(AAPL)]);
    room.clock.advance(FEED_FOLLOW_GATHER_MS);
    room.market.say(quoteOf(AAPL, ['10', '10.01'], room.clock.wallMs()));
    room.clock.advance(30_000);
    expect(room.news.map(({ kind }) => kind)).toEqual(['down', 'reopened']);
    expect(room.feed.health()).toMatchObject({ down: true });
    expect(room.feed.health().silentMs).toBeGreaterThanOrEqual(20_000);
    room.clock.advance(400_000);
    expect(room.market.reopened.length).toBeGreaterThan(3);
    expect(room.market.reopened.length).toBeLessThan(9);
    room.market.beat();
    room.clock.advance(5_000);
    expect(room.news.at(-1)).toMatchObject({ kind: 'back' });
    expect(room.feed.health().down).toBe(false);
    expect(room.news.filter(({ kind }) => kind === 'down')).toHaveLength(1);
  });

  it('whose connection ends has been silent since it last spoke, however long it was followed before', async () => {
    const room = liveRoom();
    await room.feed.follow([idOf(COIN)]);
    for (let beats = 0; beats < 9; beats += 1) {
      room.market.beat();
      room.clock.advance(15_000);
    }
    room.market.beat();
    room.clock.advance(5_000);
    room.market.cut();
    room.clock.advance(10_000);
    expect(room.news).toEqual([]);
    room.clock.advance(15_000);
    const [down] = room.news;
    expect(down).toMatchObject({ kind: 'down' });
    expect(down?.silentMs).toBeLessThan(30_000);
  });

  it('is not missed while a heartbeat comes, its market is closed, or nothing is followed', async () => {
    const beating = liveRoom();
    await beating.feed.follow([idOf(AAPL)]);
    for (let second = 0; second < 120; second += 10) {
      beating.market.beat();
      beating.clock.advance(10_000);
    }
    const closed = liveRoom({ atMs: OPEN_MS - 12 * 3_600_000 });
    await closed.feed.follow([idOf(AAPL)]);
    closed.clock.advance(120_000);
    const idle = liveRoom();
    idle.clock.advance(120_000);
    expect([beating.news, closed.news, idle.news]).toEqual([[], [], []]);
  });

  it('is left alone once the feed has stopped', async () => {
    const room = liveRoom();
    await room.feed.follow([idOf(AAPL)]);
    room.clock.advance(1_000);
    room.feed.stop();
    room.clock.advance(120_000);
    room.market.say(quoteOf(AAPL, ['10', '10.01'], room.clock.wallMs()));
    expect([room.news, room.ticks]).toEqual([[], []]);
  });
});
