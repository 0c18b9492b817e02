/** A paper account on live quotes: no better than what was seen, nothing on old data, and ended by the venue's calendar. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { connectLivePaper } from '#brokers/paper/live.ts';
import type { Preset } from '#brokers/paper/settings.ts';
import { quantity, sum, text, ZERO_QUANTITY } from '#domain/decimal.ts';
import { accountId } from '#domain/principal.ts';
import { QUOTE_AGE_MAX_MS } from '#limits.ts';
import { openLiveFeed } from '#market/live-feed.ts';
import { openStore } from '#store/open.ts';
import { cleared, type OrderWords } from '../../support/cleared.ts';
import { handClock } from '../../support/hand-clock.ts';
import { listing } from '../../support/listings.ts';
import { quoteOf, scriptedMarket } from '../../support/scripted-market.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** A Monday, 15:50 in New York: ten minutes before the close. */
const LATE_MS = Date.UTC(2026, 0, 5, 20, 50);
const AAPL = listing('AAPL');
const COIN = listing('BTC/USD', { assetClass: 'crypto', calendar: 'crypto', timezone: 'UTC', base: 'BTC' });
const ALL = [AAPL, COIN];

function liveVenue(preset: Preset = 'friendly', atMs = LATE_MS) {
  const clock = handClock(atMs);
  const folder = temporaryFolder();
  const market = scriptedMarket(clock, ALL);
  const directory = {
    byId: (id: string) => ALL.find(({ instrument }) => instrument.id === id),
    bySymbol: (symbol: string) => ALL.find((one) => one.brokerSymbol === symbol),
  };
  const feed = openLiveFeed({
    market,
    clock,
    directory,
    bars: { finest: () => '1m', query: async () => [] },
    onNews: () => undefined,
  });
  feed.start();
  let store = openStore(folder);
  const connect = () => {
    const account = {
      id: accountId('paper'),
      currency: 'USD',
      settings: { preset, seed: 1, cash: '100000', accountType: 'margin', market: 'live:acme' } as const,
    };
    const adapter = connectLivePaper({ account, store, clock, feed, directory });
    fills.length = 0;
    adapter.onEvents((events) => {
      for (const event of events)
        if (event.kind === 'execution')
          fills.push(`${event.execution.side} ${text(event.execution.qty)}@${text(event.execution.price)}`);
    });
    return adapter;
  };
  const fills: string[] = [];
  let adapter = connect();
  onTestFinished(() => store.close());
  return {
    clock,
    feed,
    fills,
    /** A quote of now. */
    say(bid: string, ask: string, sizes: readonly [string, string] | null = null, of = AAPL) {
      clock.advance(500);
      market.say(quoteOf(of, [bid, ask], clock.wallMs(), sizes));
    },
    market,
    async place(words: OrderWords) {
      const outcome = await adapter.place(cleared({ instrument: AAPL.instrument.id, ...words }));
      return outcome.kind === 'accepted' ? 'accepted' : `${outcome.kind}: ${outcome.reason}`;
    },
    status: async (id: string) => {
      const found = await adapter.orderByClientId(id);
      return found && `${found.status} ${text(found.filledQty)}`;
    },
    store: () => store,
    async restart(downMs: number) {
      await adapter.close();
      store.close();
      clock.advance(downMs);
      store = openStore(folder);
      adapter = connect();
    },
    adapter: () => adapter,
  };
}

describe('a paper account on live quotes', () => {
  it('buys at the ask that comes after the order, never at the one before it', async () => {
    const venue = liveVenue();
    venue.say('10', '10.01');
    expect(await venue.place({ id: 'a', side: 'buy', qty: '5' })).toBe('accepted');
    expect(venue.fills).toEqual([]);
    venue.say('10.5', '10.51');
    expect(venue.fills).toEqual(['buy 5@10.51']);
  });

  it('gives a resting limit its limit and not better, and a stop the quote that was seen', async () => {
    const venue = liveVenue();
    venue.say('10', '10.01');
    await venue.place({ id: 'limit', side: 'buy', qty: '1', limit: '9.5' });
    venue.say('10', '10.01');
    await venue.place({ id: 'stop', side: 'sell', qty: '1', stop: '9.8' });
    venue.say('9.2', '9.21');
    expect(venue.fills.sort()).toEqual(['buy 1@9.5', 'sell 1@9.2']);
  });

  it('takes no more than is displayed, and that only once until the level changes', async () => {
    const venue = liveVenue('realistic');
    venue.say('10', '10.01', ['100', '30']);
    await venue.place({ id: 'a', side: 'buy', qty: '100', limit: '10.01' });
    for (let tick = 0; tick < 40; tick++) venue.say('10', '10.01', ['100', '30']);
    const taken = () =>
      text(
        sum(
          ZERO_QUANTITY,
          venue.fills.map((fill) => quantity(fill.split(/[ @]/)[1] ?? '0')),
        ),
      );
    expect(taken()).toBe('30');
    for (let tick = 0; tick < 40; tick++) venue.say('10', '10.01', ['100', '31']);
    expect(taken()).toBe('61');
  });

  it('waits through a quote that is old, or older than the order, and through a closed market', async () => {
    const venue = liveVenue();
    venue.say('10', '10.01');
    await venue.place({ id: 'a', side: 'buy', qty: '1' });
    venue.market.answer = async () => [
      quoteOf(AAPL, ['9', '9.01'], venue.clock.wallMs() - QUOTE_AGE_MAX_MS - 1),
    ];
    venue.clock.advance(60_000);
    await venue.feed.follow([AAPL.instrument.id]);
    // Asked for, and of a moment before the order although it is fresh enough.
    await venue.place({ id: 'b', side: 'buy', qty: '1' });
    venue.market.answer = async () => [quoteOf(AAPL, ['9', '9.01'], venue.clock.wallMs() - 2_000)];
    venue.clock.advance(1_000);
    await venue.feed.follow([AAPL.instrument.id]);
    expect(venue.fills).toEqual(['buy 1@9.01']);
    expect(await venue.status('b')).toBe('open 0');
    const closed = liveVenue('friendly', LATE_MS + 12 * 3_600_000);
    closed.say('10', '10.01');
    await closed.place({ id: 'c', side: 'buy', qty: '1' });
    closed.say('10', '10.01');
    expect(closed.fills).toEqual([]);
  });

  it('ends a day order at the close of its venue, and no other', async () => {
    const venue = liveVenue();
    venue.say('10', '10.01');
    venue.say('9', '9.01', null, COIN);
    await venue.place({ id: 'day', side: 'buy', qty: '1', limit: '5', tif: 'day' });
    await venue.place({ id: 'long', side: 'buy', qty: '1', limit: '5' });
    await venue.place({ id: 'late', side: 'buy', qty: '1', limit: '5', tif: 'day', extendedHours: true });
    await venue.place({
      id: 'coin',
      side: 'buy',
      qty: '1',
      limit: '5',
      tif: 'day',
      instrument: COIN.instrument.id,
    });
    venue.clock.advance(11 * 60_000);
    expect(await Promise.all(['day', 'long', 'late', 'coin'].map(venue.status))).toEqual([
      'expired 0',
      'open 0',
      'open 0',
      'open 0',
    ]);
    venue.clock.advance(4 * 3_600_000);
    expect(await Promise.all(['late', 'coin', 'long'].map(venue.status))).toEqual([
      'expired 0',
      'expired 0',
      'open 0',
    ]);
  });

  it('ends after a restart what ended while it was down, and goes on with the rest', async () => {
    const venue = liveVenue();
    venue.say('10', '10.01');
    await venue.place({ id: 'day', side: 'buy', qty: '1', limit: '5', tif: 'day' });
    await venue.place({ id: 'long', side: 'buy', qty: '1', limit: '9.5' });
    // Until the next morning, half an hour after the open.
    await venue.restart(18 * 3_600_000 + 10 * 60_000);
    venue.clock.advance(1_000);
    expect(await venue.status('day')).toBe('expired 0');
    venue.say('9', '9.01');
    expect(venue.fills).toEqual(['buy 1@9.5']);
  });

  it('writes nothing for a tick that no order of it meets', async () => {
    const venue = liveVenue();
    venue.say('10', '10.01');
    await venue.place({ id: 'a', side: 'buy', qty: '1' });
    venue.say('10', '10.01');
    const changes = () => venue.store().db.prepare('SELECT total_changes()').pluck().get();
    const before = changes();
    for (let tick = 0; tick < 50; tick++) venue.say('11', '11.01');
    expect(changes()).toBe(before);
    await venue.place({ id: 'resting', side: 'buy', qty: '1', limit: '5' });
    venue.say('11', '11.01');
    const resting = changes();
    for (let tick = 0; tick < 50; tick++) venue.say('11', '11.01');
    expect(changes()).toBe(resting);
  });

  it('counts what it holds at the quote, and keeps to what its market lists', async () => {
    const venue = liveVenue();
    venue.say('10', '10.01');
    await venue.place({ id: 'a', side: 'buy', qty: '10' });
    venue.say('10', '10.01');
    venue.say('12', '12.01');
    const { equity, currency } = await venue.adapter().balance();
    expect([currency, Number(text(equity)) > 100_015]).toEqual(['USD', true]);
    expect(await venue.place({ id: 'x', side: 'buy', qty: '1', instrument: 'XNAS:AAPL' })).toBe(
      'rejected: this venue does not trade the instrument',
    );
  });
});
