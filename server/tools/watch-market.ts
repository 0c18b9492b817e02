/** watch_market: the quotes that have changed since the last look, waiting for them if need be. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Instrument, InstrumentId } from '#domain/instrument.ts';
import type { Principal } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import { ok, type Result } from '#domain/result.ts';
import { SYMBOLS_PER_CALL_MAX, WATCH_WAIT_MAX_MS } from '#limits.ts';
import type { MarketFeed } from '#ports.ts';
import { marketOfCall } from './callers-market.ts';
import { watchCursor, watchCursorOf } from './cursor.ts';
import { defineTool, type ToolServices } from './define.ts';
import { accountFilter, cursor, symbol } from './fields.ts';
import { QuotesNowShape, quotesNow } from './quotes-now.ts';
import { OF_SYMBOL } from './refusals.ts';

const output = QuotesNowShape.extend({
  next_cursor: z.string(),
  /** The cursor could not be followed: this is everything as it stands now. */
  lagged: z.literal(true).optional(),
});

export const watchMarket = defineTool({
  name: 'watch_market',
  title: 'Watch the market',
  description:
    'Quotes of up to 50 symbols that changed since your last call, each at its latest: pass next_cursor back as cursor, with the same symbols. The first call answers what there is; wait_ms waits for a change. lagged: the cursor could not be followed, so everything is told.',
  scope: 'read:market',
  effect: 'read',
  openWorld: true,
  rest: { method: 'GET', path: '/market-watch' },
  example: {
    prompt: 'Keep an eye on the S&P 500.',
    arguments: { symbols: ['SPX'] },
  },
  refusals: [...OF_SYMBOL, 'account_not_allowed'],
  input: z.strictObject({
    symbols: z.array(symbol).min(1).max(SYMBOLS_PER_CALL_MAX).describe('e.g. ["SPX","BTC/USD"]'),
    cursor: cursor.describe('next_cursor of the call before'),
    wait_ms: z.int().min(0).max(WATCH_WAIT_MAX_MS).default(0).describe('Milliseconds to wait for a change'),
    account: accountFilter.describe('Whose market; default all yours'),
  }),
  output,
  async run(services, principal, { symbols, cursor: given, wait_ms: waitMs, account }) {
    const place = watchCursorOf(given);
    if (!place.ok) return place;
    const watched = watchedBy(services, principal, { symbols, account });
    if (!watched.ok) return watched;
    const { feed, instruments } = watched.value;
    const ids = instruments.map(({ id }) => id);
    await feed.follow(ids);
    const { watch, clock } = services;
    const about = digestOf(ids);
    const since = place.value?.about === about ? place.value : undefined;
    let changed = since && watch.changedSince(since, ids);
    const lagged = place.value !== undefined && changed === undefined;
    if (since && changed?.length === 0 && waitMs > 0) {
      const waited = await held(feed, ids, () => watch.wait(principal, ids, waitMs));
      if (!waited.ok) return waited;
      const still = stillTheirs(services, principal, { symbols, account });
      if (!still.ok) return still;
      changed = watch.changedSince(since, ids);
    }
    // From here on nothing is waited for: what is told and where it goes on are of one moment.
    const told = new Set(changed ?? ids);
    return ok({
      ...quotesNow(
        feed,
        instruments.filter(({ id }) => told.has(id)),
        clock.wallMs(),
      ),
      next_cursor: watchCursor({ ...watch.now(), about }),
      ...(lagged ? { lagged: true as const } : {}),
    });
  },
});

interface Wanted {
  readonly symbols: readonly string[];
  readonly account: string | undefined;
}

function watchedBy(
  services: ToolServices,
  principal: Principal,
  { symbols, account }: Wanted,
): Result<{ readonly feed: MarketFeed; readonly instruments: readonly Instrument[] }, Refusal> {
  const market = marketOfCall(services, principal, account);
  if (!market.ok) return market;
  const instruments = market.value.resolveAll(symbols);
  return instruments.ok ? ok({ feed: market.value.feed, instruments: instruments.value }) : instruments;
}

/** After a wait: the credential may have ended meanwhile, and the account been given to another. */
function stillTheirs(services: ToolServices, principal: Principal, wanted: Wanted): Result<unknown, Refusal> {
  const live = services.access.stillLive(principal);
  return live.ok ? watchedBy(services, principal, wanted) : live;
}

async function held<T>(feed: MarketFeed, ids: readonly InstrumentId[], wait: () => Promise<T>): Promise<T> {
  const release = feed.hold(ids, 'watched');
  try {
    return await wait();
  } finally {
    release();
  }
}

/** What a cursor is about: one of other symbols would leave out what did not change of the new ones. */
const digestOf = (ids: readonly InstrumentId[]): string =>
  createHash('sha256').update(ids.toSorted().join('\n')).digest('base64url').slice(0, 8);
