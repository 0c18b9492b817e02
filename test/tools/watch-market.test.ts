/** Watching: what changed since the last call, each quote at its latest; waits that end with a change, in time, or with the caller. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { instrumentId } from '#domain/instrument.ts';
import { agentId } from '#domain/principal.ts';
import { ok } from '#domain/result.ts';
import {
  WATCH_GATHER_MS,
  WATCH_WAIT_MAX_MS,
  WATCHED_INSTRUMENTS_MAX,
  WATCHES_MAX,
  WATCHES_PER_AGENT_MAX,
} from '#limits.ts';
import { openMarkets } from '#market/markets.ts';
import type { ChangeFeed } from '#tools/change-feed.ts';
import { openChangeFeed, topic } from '#tools/change-feed.ts';
import type { ToolAnswer } from '#tools/dispatch.ts';
import { openMarketWatch } from '#tools/market-watch.ts';
import { type HandFeed, handFeed } from '../support/hand-feed.ts';
import { type ToolRoom, toolRoom } from '../support/tool-room.ts';

interface WatchRoom extends ToolRoom {
  readonly feed: HandFeed;
  readonly say: (symbol: string, bid: string) => void;
  readonly watch: (args: object, as?: ToolRoom['principal']) => Promise<Watched>;
}
interface Watched {
  readonly answer: ToolAnswer;
  readonly told: readonly (readonly [string, string])[];
  readonly next_cursor: string;
  readonly lagged: boolean;
  readonly reason: string | undefined;
}

function watchedOf(answer: ToolAnswer): Watched {
  const {
    quotes = [],
    next_cursor = '',
    lagged = false,
  } = (answer.ok ? answer.output : {}) as {
    readonly quotes?: readonly { readonly symbol: string; readonly bid: string }[];
    readonly next_cursor?: string;
    readonly lagged?: boolean;
  };
  const told = quotes.map(({ symbol, bid }) => [symbol, bid] as const);
  return { answer, told, next_cursor, lagged, reason: answer.ok ? undefined : answer.refusal.reason };
}

/** A live feed of everything in the book, which says what the test says. */
function room(): WatchRoom {
  let feed: HandFeed | undefined;
  const own = toolRoom({
    rates: { read: { count: 10_000, per: 'minute' } },
    change(services) {
      const symbols = ['SPX', 'BTC/USD', 'ETH/USD', 'AAPL'];
      const instruments = symbols.flatMap((symbol) => {
        const found = services.book.resolve(symbol, ['built-in']);
        return found.ok ? [found.value] : [];
      });
      feed = handFeed(services.clock, instruments);
      const markets = openMarkets({ feed, directory: 'built-in' });
      const { access, audit, clock } = services as unknown as Parameters<typeof openChangeFeed>[0] &
        Pick<typeof services, 'clock' | 'access'>;
      const changes = openChangeFeed({ audit, markets, access });
      const watch = openMarketWatch({ changes, clock, access });
      return { ...services, markets, watch };
    },
  });
  if (feed === undefined) throw new Error('no feed');
  const given = feed;
  const idOf = (symbol: string) => {
    const found = own.services.book.resolve(symbol, ['built-in']);
    if (!found.ok) throw new Error(symbol);
    return found.value.id;
  };
  return {
    ...own,
    feed: given,
    say: (symbol, bid) => given.say(idOf(symbol), bid),
    watch: async (args, as) => watchedOf(await own.call('watch_market', args, as)),
  };
}
/** A call on its way, and whether it has been answered. */
function asked(room: WatchRoom, args: object, as?: ToolRoom['principal']) {
  const state: { done: Watched | undefined } = { done: undefined };
  const answer = room.watch(args, as).then((watched) => {
    state.done = watched;
    return watched;
  });
  return { state, answer };
}
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await new Promise((done) => setImmediate(done));
};

describe('watch_market', () => {
  it('answers what there is first, then only what changed, each at its latest', async () => {
    const { watch, say } = room();
    say('SPX', '4100');
    say('BTC/USD', '42000');
    const symbols = ['SPX', 'BTC/USD', 'AAPL'];
    const first = await watch({ symbols });
    expect(first.told).toEqual([
      ['SPX', '4100'],
      ['BTC/USD', '42000'],
    ]);
    expect(first.answer).toMatchObject({ output: { unavailable: [{ symbol: 'AAPL' }] } });
    const same = await watch({ symbols, cursor: first.next_cursor });
    expect(same.told).toEqual([]);
    for (let n = 0; n < 1_000; n++) say('BTC/USD', String(42_000 + n));
    const after = await watch({ symbols, cursor: same.next_cursor });
    expect(after.told).toEqual([['BTC/USD', '42999']]);
    expect([first, same, after].map(({ lagged }) => lagged)).toEqual([false, false, false]);
    // An older cursor tells it again: nothing was taken away.
    expect((await watch({ symbols, cursor: first.next_cursor })).told).toEqual(after.told);
  });

  it('whatever changes and whoever asks: nothing that changed is left out, and nothing that did not is told', async () => {
    const { watch, say } = room();
    const symbols = ['SPX', 'BTC/USD', 'ETH/USD', 'AAPL'];
    for (const symbol of symbols) say(symbol, '1');
    let bid = 1;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.subarray(symbols), { maxLength: 6 }), async (rounds) => {
        let { next_cursor: cursor } = await watch({ symbols });
        for (const changing of rounds) {
          for (const symbol of changing) say(symbol, String(++bid));
          const { told, next_cursor } = await watch({ symbols, cursor });
          expect(told.map(([symbol]) => symbol).sort()).toEqual([...changing].sort());
          cursor = next_cursor;
        }
      }),
      { numRuns: 25 },
    );
  });

  it('waits for a change, tells it with what comes right behind it, and holds the symbols meanwhile alone', async () => {
    const own = room();
    own.say('SPX', '4100');
    own.say('BTC/USD', '42000');
    const symbols = ['SPX', 'BTC/USD'];
    const { next_cursor: cursor } = await own.watch({ symbols });
    const { state, answer } = asked(own, { symbols, cursor, wait_ms: 5_000 });
    await settle();
    expect(own.feed.held()).toHaveLength(2);
    own.clock.advance(4_000);
    await settle();
    expect(state.done).toBeUndefined();
    own.say('SPX', '4101');
    own.clock.advance(WATCH_GATHER_MS - 1);
    own.say('BTC/USD', '42001');
    await settle();
    expect(state.done).toBeUndefined();
    own.clock.advance(1);
    expect((await answer).told).toEqual([
      ['SPX', '4101'],
      ['BTC/USD', '42001'],
    ]);
    expect(own.feed.held()).toEqual([]);
  });

  it('ends its wait in time with nothing, and is not woken by what nobody asked for', async () => {
    const own = room();
    own.say('SPX', '4100');
    const { next_cursor: cursor } = await own.watch({ symbols: ['SPX'] });
    const { state, answer } = asked(own, { symbols: ['SPX'], cursor, wait_ms: 5_000 });
    await settle();
    own.say('ETH/USD', '3000');
    own.clock.advance(4_999);
    await settle();
    expect(state.done).toBeUndefined();
    own.clock.advance(1);
    const { told, next_cursor, reason } = await answer;
    expect([told, reason]).toEqual([[], undefined]);
    own.say('SPX', '4101');
    expect((await own.watch({ symbols: ['SPX'], cursor: next_cursor })).told).toEqual([['SPX', '4101']]);
  });

  it('ends at once, refused, when the credential of who waits has ended', async () => {
    const own = room();
    own.say('SPX', '4100');
    const { next_cursor: cursor } = await own.watch({ symbols: ['SPX'] });
    const { answer } = asked(own, { symbols: ['SPX'], cursor, wait_ms: WATCH_WAIT_MAX_MS });
    await settle();
    own.endSessions();
    own.say('SPX', '4101');
    const { told, reason } = await answer;
    expect([told, reason]).toEqual([[], 'credential_revoked']);
    expect(own.feed.held()).toEqual([]);
  });

  it('ends at once when the gateway closes, and then waits for nothing', async () => {
    const own = room();
    own.say('SPX', '4100');
    const { next_cursor: cursor } = await own.watch({ symbols: ['SPX'] });
    const { answer } = asked(own, { symbols: ['SPX'], cursor, wait_ms: WATCH_WAIT_MAX_MS });
    await settle();
    own.services.watch.close();
    expect((await answer).told).toEqual([]);
    const again = await own.watch({ symbols: ['SPX'], cursor, wait_ms: WATCH_WAIT_MAX_MS });
    expect([again.told, again.reason]).toEqual([[], undefined]);
  });

  it('says that a cursor of another start, or of other symbols, could not be followed, and tells everything', async () => {
    const [own, earlier] = [room(), room()];
    for (const one of [own, earlier]) for (const symbol of ['SPX', 'AAPL']) one.say(symbol, '100');
    const symbols = ['SPX', 'AAPL'];
    const old = await earlier.watch({ symbols });
    await own.watch({ symbols });
    const foreign = await own.watch({ symbols, cursor: old.next_cursor, wait_ms: 5_000 });
    expect([foreign.told.length, foreign.lagged]).toEqual([2, true]);
    const fewer = await own.watch({ symbols: ['SPX'], cursor: foreign.next_cursor });
    expect([fewer.told.length, fewer.lagged]).toEqual([1, true]);
    const turned = await own.watch({ symbols: ['AAPL', 'SPX'], cursor: foreign.next_cursor });
    expect([turned.told, turned.lagged]).toEqual([[], false]);
  });

  it('refuses a cursor that was never given, an account that is not the caller’s, a wait without end', async () => {
    const own = room();
    const { watch } = own;
    for (const cursor of ['x', Buffer.from('seq:7').toString('base64url')])
      expect((await watch({ symbols: ['SPX'], cursor })).reason).toBe('invalid_input');
    expect((await watch({ symbols: ['SPX'], account: 'nobodys' })).reason).toBe('account_not_allowed');
    expect((await watch({ symbols: ['SPX'], account: 'paper' })).reason).toBeUndefined();
    expect((await watch({ symbols: ['SPX'], wait_ms: WATCH_WAIT_MAX_MS + 1 })).reason).toBe('invalid_input');
    expect((await watch({ symbols: ['SPX'], wait_ms: -1 })).reason).toBe('invalid_input');
    expect((await watch({ symbols: ['NOSUCH'] })).reason).toBe('unknown_symbol');
    expect((await watch({ symbols: ['SPX'] }, own.withScopes('read:account'))).reason).toBe(
      'insufficient_scope',
    );
  });

  it('is one read, however long it waits, and stands on the record', async () => {
    const own = room();
    own.say('SPX', '4100');
    const { next_cursor: cursor } = await own.watch({ symbols: ['SPX'] });
    const { answer } = asked(own, { symbols: ['SPX'], cursor, wait_ms: 3_000 });
    await settle();
    own.clock.advance(3_000);
    await answer;
    const lines = own.recorded().filter(({ tool }) => tool === 'watch_market');
    expect(lines.map(({ outcome, latency_ms }) => [outcome, latency_ms])).toEqual([
      ['ok', 0],
      ['ok', 3_000],
    ]);
  });

  it('lets an agent wait so often and no more, and others wait beside it', async () => {
    const own = room();
    own.say('SPX', '4100');
    const { next_cursor: cursor } = await own.watch({ symbols: ['SPX'] });
    const args = { symbols: ['SPX'], cursor, wait_ms: 1_000 };
    const waits = Array.from({ length: WATCHES_PER_AGENT_MAX }, () => asked(own, args));
    await settle();
    expect((await own.watch(args)).reason).toBe('rate_limited');
    // What need not wait is answered.
    expect((await own.watch({ symbols: ['SPX'], cursor })).reason).toBeUndefined();
    own.clock.advance(1_000);
    for (const { answer } of waits) expect((await answer).reason).toBeUndefined();
    const { state } = asked(own, args);
    await settle();
    expect(state.done).toBeUndefined();
  });
});

describe('the count of changes', () => {
  function counted() {
    let tell: Parameters<ChangeFeed['onChange']>[0] = () => undefined;
    const changes: ChangeFeed = {
      onChange(listener) {
        tell = listener;
        return () => undefined;
      },
    };
    const own = toolRoom();
    const watch = openMarketWatch({ changes, clock: own.clock, access: { stillLive: () => ok(undefined) } });
    const change = (id: string) => tell([topic.quote(id)], 'market');
    return { ...own, watch, change };
  }
  const ids = (...names: readonly string[]) => names.map(instrumentId);

  it('forgets what has not changed for longest, and tells that as changed rather than not at all', () => {
    const { watch, change } = counted();
    const start = watch.now();
    change('old');
    const then = watch.now();
    for (let n = 0; n < WATCHED_INSTRUMENTS_MAX; n++) change(`x${n}`);
    expect(watch.changedSince(start, ids('old'))).toEqual(['old']);
    expect(watch.changedSince(then, ids('old'))).toEqual([]);
    expect(watch.changedSince(watch.now(), ids('old', 'x1', 'never'))).toEqual([]);
  });

  it('knows no place that it has not reached', () => {
    const { watch } = counted();
    const { source, at } = watch.now();
    expect(watch.changedSince({ source, at: at + 1 }, ids('a'))).toBeUndefined();
    expect(watch.changedSince({ source: 'another', at }, ids('a'))).toBeUndefined();
  });

  it('lets so many wait in all', async () => {
    const { watch, principal, clock } = counted();
    const of = (n: number) => ({ ...principal, agent: agentId(`agt_${n}`) });
    const waits = Array.from({ length: WATCHES_MAX }, (_, n) => watch.wait(of(n), ids('a'), 1_000));
    expect(await watch.wait(of(-1), ids('a'), 1_000)).toMatchObject({ ok: false });
    clock.advance(1_000);
    for (const wait of waits) expect((await wait).ok).toBe(true);
    const again = watch.wait(of(-1), ids('a'), 1_000);
    clock.advance(1_000);
    expect((await again).ok).toBe(true);
  });
});
