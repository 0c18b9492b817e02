/** Each account on its own market: its symbols, its quotes, its times; nothing of a tape ever values what is held at a broker. */
import { describe, expect, it } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import { HELD_QUOTES_INTERVAL_MS, QUOTE_AGE_MAX_MS, QUOTE_WAIT_MS } from '#limits.ts';
import { handFeed } from '../support/hand-feed.ts';
import { settled } from '../support/limit-storm.ts';
import { ABC, buying, EURO, placedAt, realAccount, SPX } from '../support/real-account.ts';
import { commit, granted, PAPER, reduce, refusal, SECOND } from '../support/trading-room.ts';

describe('a symbol', () => {
  it('is looked up in the list of the account that is named', async () => {
    const it = await realAccount();
    it.feed.venue.set(SPX.id, ['10', '10.01']);
    expect((await placedAt(it, buying('SPX'))).instrument).toBe('BROKER:SPX');
    expect((await placedAt(it, buying('SPX', 'paper', '1440'))).instrument).toBe('INDEX:SPX');
    const unknown = await it.room.trading.placeOrder(it.claude, buying('ABC', 'paper'), commit());
    expect(refusal(unknown).reason).toBe('unknown_symbol');
  });

  it('may be an instrument id, of the account’s own list alone', async () => {
    const it = await realAccount();
    it.feed.venue.set(ABC.id, ['10', '10.01']);
    expect((await placedAt(it, buying('BROKER:ABC'))).symbol).toBe('ABC');
    const other = await it.room.trading.placeOrder(it.claude, buying('INDEX:SPX'), commit());
    expect(refusal(other).reason).toBe('unknown_symbol');
    expect(it.broker.sent.place).toHaveLength(1);
  });

  it('of a mandate is every instrument that it names in the lists of its accounts', async () => {
    const it = await realAccount();
    const rules = { symbols: ['SPX'], asset_classes: undefined, accounts: ['paper', 'second'] };
    it.room.agent('claude', rules);
    expect(it.room.access.mandates.current(it.claude.agent)?.instruments).toEqual(
      new Set(['INDEX:SPX', 'BROKER:SPX']),
    );
    const nowhere = it.room.access.mandates.set('claude', { ...rules, symbols: ['NOPE'] }, OWNER_CLI);
    expect(refusal(nowhere).reason).toBe('invalid_input');
  });
});

describe('an order at a broker', () => {
  it('asks the feed for a quote first, and is judged by what that says', async () => {
    const it = await realAccount();
    it.feed.venue.set(ABC.id, ['10', '10.01']);
    expect(await placedAt(it)).toMatchObject({ status: 'open' });
    expect(it.feed.followed).toEqual([ABC.id]);
  });

  it('is refused where the venue has no quote, and where the last one is old', async () => {
    const it = await realAccount();
    const none = await it.room.trading.placeOrder(it.claude, buying('ABC'), commit());
    expect(refusal(none).reason).toBe('no_reference_price');
    it.feed.say(ABC.id, '10', '10.01');
    await it.clock.advanceAsync(QUOTE_AGE_MAX_MS + 1);
    const old = await it.room.trading.placeOrder(it.claude, buying('ABC'), commit());
    expect(refusal(old).reason).toBe('stale_price');
    expect(it.broker.sent.place).toEqual([]);
  });

  it('waits for a feed that does not answer a while, and no longer', async () => {
    const it = await realAccount();
    it.feed.hangs = true;
    const answer = it.room.trading.placeOrder(it.claude, buying('ABC'), commit());
    await it.clock.advanceAsync(QUOTE_WAIT_MS + 1);
    expect(refusal(await answer).reason).toBe('no_reference_price');
  });

  it('is closed without waiting for a price', async () => {
    const it = await realAccount();
    it.feed.venue.set(ABC.id, ['10', '10.01']);
    const order = await placedAt(it);
    it.broker.fill(order.brokerClientId, '2', '10');
    it.feed.hangs = true;
    const asked = { account: SECOND, symbol: 'ABC' };
    const closed = granted(await it.room.trading.closePosition(it.claude, asked, reduce()));
    expect(closed).toMatchObject({ order: { side: 'sell', status: 'open' } });
  });

  it('in what is priced in another currency is refused, both named', async () => {
    const it = await realAccount();
    it.feed.venue.set(EURO.id, ['10', '10.01']);
    const refused = refusal(await it.room.trading.placeOrder(it.claude, buying('EURO'), commit()));
    expect(refused.reason).toBe('not_tradable');
    expect(refused.detail).toMatch(/EUR .*USD/);
    const warnings = it.room.trading.owner.mandateWarnings(
      granted(
        it.room.access.mandates.set(
          'claude',
          { ...it.room.access.mandates.current(it.claude.agent)?.document, symbols: ['EURO'] },
          OWNER_CLI,
        ),
      ),
    );
    expect(warnings).toEqual(['EURO is priced in EUR, and second is in USD: nothing can be ordered in it.']);
  });
});

describe('what is held at a broker', () => {
  it('is valued by its own feed, and by what it cost where that has no quote', async () => {
    const it = await realAccount();
    it.feed.venue.set(SPX.id, ['10', '10.01']);
    const order = await placedAt(it, buying('SPX'));
    it.broker.fill(order.brokerClientId, '2', '10');
    it.feed.say(SPX.id, '12', '12.01');
    const [position] = granted(
      await it.room.trading.positions(it.claude, { account: SECOND, status: 'open' }),
    );
    expect(position?.marketPrice?.toFixed()).toBe('12');
    expect(position?.unrealisedPnl?.toFixed()).toBe('4');
    const today = granted(await it.room.trading.pnlHistory(it.claude, { account: SECOND, days: 7 })).days.at(
      -1,
    );
    // The market date is the broker's, not that of the tape, which plays 2024.
    expect(today?.date).toBe('2026-01-05');
    expect(today?.unrealised.toFixed()).toBe('4');
  });

  it('is valued by no other account’s feed, though that carries the very same instrument', async () => {
    const it = await realAccount();
    it.feed.venue.set(ABC.id, ['10', '10.01']);
    const order = await placedAt(it);
    it.broker.fill(order.brokerClientId, '2', '10');
    const other = handFeed(it.clock, [ABC]);
    it.room.markets.add(PAPER, { feed: other, directory: 'broker' });
    await it.clock.advanceAsync(1_000);
    other.say(ABC.id, '99', '99.01');
    const [position] = granted(
      await it.room.trading.positions(it.claude, { account: SECOND, status: 'open' }),
    );
    expect(position?.marketPrice?.toFixed()).toBe('10');
    expect(granted(await it.room.trading.mandate(it.claude)).used[1]?.grossExposure.toFixed()).toBe('20');
  });

  it('stays quoted while it is held or works, and no longer', async () => {
    const it = await realAccount();
    it.feed.venue.set(ABC.id, ['10', '10.01']);
    const order = await placedAt(it);
    await it.clock.advanceAsync(HELD_QUOTES_INTERVAL_MS);
    expect(it.feed.held()).toEqual([ABC.id]);
    it.broker.fill(order.brokerClientId, '2', '10');
    await it.clock.advanceAsync(HELD_QUOTES_INTERVAL_MS);
    expect(it.feed.held()).toEqual([ABC.id]);
    const asked = { account: SECOND, symbol: 'ABC' };
    const closed = granted(await it.room.trading.closePosition(it.claude, asked, reduce()));
    if (closed.dryRun || closed.order === null) throw new Error('not closed');
    it.broker.fill(closed.order.brokerClientId, '2', '10');
    await settled();
    await it.clock.advanceAsync(HELD_QUOTES_INTERVAL_MS);
    expect(it.feed.held()).toEqual([]);
  });

  it('has its day closed by the end of its own session, not by that of the tape', async () => {
    const it = await realAccount();
    it.feed.venue.set(ABC.id, ['10', '10.01']);
    const order = await placedAt(it);
    it.broker.fill(order.brokerClientId, '2', '10');
    const equity = () =>
      it.room.store.db
        .prepare("SELECT equity FROM pnl_days WHERE account_id = 'second'")
        .pluck()
        .all() as readonly string[];
    const before = equity();
    it.feed.say(ABC.id, '11', '11.01');
    expect(equity()).toEqual(before);
    it.feed.say(ABC.id, '12', '12.01', { sessionEnd: true });
    expect(equity()).toEqual(['100004']);
  });
});
