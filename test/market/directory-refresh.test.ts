/** Brokers' lists of instruments: kept with the time for which each row held, found at once, and never emptied by a bad answer. */
import { describe, expect, it } from 'vitest';
import { text } from '#domain/decimal.ts';
import { instrumentId } from '#domain/instrument.ts';
import { BROKER_REASON_LENGTH_MAX, DIRECTORY_CHUNK_ROWS, DIRECTORY_RETRY_MS } from '#limits.ts';
import {
  keepDirectory,
  type RefreshOutcome,
  refreshDirectory,
  shareDirectories,
} from '#market/directory-refresh.ts';
import { instrumentBook } from '#market/instrument-book.ts';
import { instrumentTable } from '#market/instrument-table.ts';
import { BUILT_IN } from '#market/master.ts';
import { storedInstruments } from '#market/stored-instruments.ts';
import type { BrokerListing } from '#ports.ts';
import { openStore } from '#store/open.ts';
import { handClock } from '../support/hand-clock.ts';
import { listing, pages } from '../support/listings.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const SCOPES = ['built-in', 'acme'];

function directoryRoom() {
  const store = openStore(temporaryFolder());
  // What is measured here is not the disk.
  store.db.pragma('synchronous = OFF');
  const clock = handClock();
  const table = instrumentTable(store);
  const listed = storedInstruments(table);
  const recorded: RefreshOutcome[] = [];
  let turns = 0;
  const options = {
    store,
    table,
    clock,
    turn: async () => void turns++,
    changed: () => listed.changed(),
    record: (outcome: RefreshOutcome) => void recorded.push(outcome),
  };
  return {
    store,
    clock,
    table,
    listed,
    recorded,
    options,
    turns: () => turns,
    book: instrumentBook(BUILT_IN, listed),
    refresh: (...lists: readonly (readonly BrokerListing[])[]) =>
      refreshDirectory(options, { directory: 'acme', market: { listings: () => pages(...lists) } }),
    rows: () =>
      store.db.prepare('SELECT symbol, name, valid_from, valid_to FROM instruments ORDER BY key').all(),
  };
}
const many = (count: number, prefix = 'S'): BrokerListing[] =>
  Array.from({ length: count }, (_, index) => listing(`${prefix}${index}`));

describe('a list that was never read', () => {
  it('is named in the refusal with what to do, until it is read; the built-in one always is', async () => {
    const room = directoryRoom();
    const detailOf = (scopes: readonly string[]) => {
      const found = room.book.resolve('QQZZXX', scopes);
      return found.ok ? '' : found.error.detail;
    };
    expect(detailOf(SCOPES)).toMatch(/list of instruments of acme has not been read yet.*market status/);
    expect(detailOf(['built-in'])).toMatch(/search_instruments lists them/);
    room.table.failed('acme', 'no answer');
    expect(detailOf(SCOPES), 'tried in vain').toContain('of acme has not been read yet');
    await room.refresh([listing('AAPL')]);
    expect(detailOf(SCOPES)).toMatch(/search_instruments lists them/);
  });
});

describe('a list of instruments', () => {
  it('is found by symbol, by id and by the broker’s own name, with everything that was listed', async () => {
    const room = directoryRoom();
    const option = listing(
      'AAPL260116C00250000',
      {
        assetClass: 'option',
        multiplier: '100',
        minNotional: '1.5',
        contract: { underlying: 'AAPL', expiry: '2026-01-16', strike: '250.5', right: 'call' },
      },
      { token: '4711' },
    );
    await room.refresh([listing('MSFT'), option]);
    const found = room.book.resolve('AAPL260116C00250000', SCOPES);
    expect(found).toEqual({ ok: true, value: option.instrument });
    expect(found.ok && text(found.value.contract?.strike ?? found.value.tick)).toBe('250.5');
    expect(room.book.resolve('ACME:MSFT', SCOPES)).toMatchObject({ ok: true, value: { symbol: 'MSFT' } });
    const directory = room.listed.openDirectory('acme');
    expect(directory.bySymbol('AAPL260116C00250000')).toEqual(option);
    expect(directory.byId(option.instrument.id)?.extra).toEqual({ token: '4711' });
    expect(room.listed.openDirectory('other').byId(option.instrument.id)).toBeUndefined();
    expect(room.recorded).toEqual([{ kind: 'refreshed', directory: 'acme', listed: 2, changed: 2, left: 0 }]);
  });

  it('is not there for who trades from another list', async () => {
    const room = directoryRoom();
    await room.refresh([listing('MSFT')]);
    expect(room.book.resolve('MSFT', ['built-in'])).toMatchObject({ ok: false });
    expect(room.book.resolve('ACME:MSFT', ['built-in'])).toMatchObject({ ok: false });
    expect(room.book.search('MSFT', 10, ['built-in'])).toEqual([]);
  });

  it('names both where one symbol is two instruments, and takes the id of either', async () => {
    const room = directoryRoom();
    await room.refresh([listing('AAPL')]);
    expect(room.book.resolve('AAPL', SCOPES)).toMatchObject({
      ok: false,
      error: { reason: 'ambiguous_symbol', did_you_mean: ['XNAS:AAPL', 'ACME:AAPL'] },
    });
    expect(room.book.resolve('ACME:AAPL', SCOPES)).toMatchObject({ ok: true, value: { directory: 'acme' } });
    expect(room.book.resolve('AAPL', ['acme'])).toMatchObject({ ok: true, value: { id: 'ACME:AAPL' } });
  });

  it('keeps what it was: a change closes a row and opens another, the same listing writes nothing', async () => {
    const room = directoryRoom();
    await room.refresh([listing('MSFT')]);
    const first = room.clock.wallMs();
    room.clock.advance(1_000);
    await room.refresh([listing('MSFT')]);
    expect(room.rows()).toHaveLength(1);
    room.clock.advance(1_000);
    await room.refresh([listing('MSFT', { tick: '0.05' })]);
    expect(room.rows()).toMatchObject([
      { valid_from: first, valid_to: first + 2_000 },
      { valid_from: first + 2_000, valid_to: null },
    ]);
    const now = room.book.byId(instrumentId('ACME:MSFT'));
    expect(now && text(now.tick)).toBe('0.05');
    expect(room.book.search('msft', 10, SCOPES)).toHaveLength(1);
  });

  it('lets go of what left it, by symbol and not by id', async () => {
    const room = directoryRoom();
    await room.refresh(many(10));
    await room.refresh(many(9));
    expect(room.book.resolve('S9', SCOPES)).toMatchObject({ ok: false, error: { reason: 'unknown_symbol' } });
    expect(room.book.search('S9', 10, SCOPES)).toEqual([]);
    expect(room.listed.openDirectory('acme').bySymbol('S9')).toBeUndefined();
    expect(room.book.byId(instrumentId('ACME:S9'))).toMatchObject({ symbol: 'S9' });
    expect(room.recorded.at(-1)).toMatchObject({ listed: 9, left: 1 });
  });

  it('loses nothing to a list that breaks off, is empty, or has shrunk by more than a fifth', async () => {
    const room = directoryRoom();
    await room.refresh(many(10));
    async function* broken() {
      yield many(2);
      throw new Error('the connection was reset');
    }
    await refreshDirectory(room.options, { directory: 'acme', market: { listings: broken } });
    await room.refresh();
    await room.refresh(many(7));
    expect(room.table.countNow('acme')).toBe(10);
    expect(room.recorded.slice(1).map(({ kind }) => kind)).toEqual(['failed', 'failed', 'failed']);
    expect(room.table.state('acme')).toMatchObject({ listed: 10 });
    expect(room.table.state('acme')?.fault).toContain('it listed 7 of the 10 instruments it had');
  });

  it('refuses what is listed as of another list', async () => {
    const room = directoryRoom();
    await room.refresh([listing('MSFT', { directory: 'other', id: 'OTHER:MSFT' })]);
    expect(room.recorded).toMatchObject([{ kind: 'failed' }]);
    expect(room.table.countNow('other')).toBe(0);
  });

  it('keeps of what a broker answered in place of a list no more than a line, which steers nothing', async () => {
    const room = directoryRoom();
    const page = `<html>\u001b[2J\u202e down\r\nfor now ${'x'.repeat(1_000_000)}`;
    const listings = async function* () {
      yield [];
      throw new Error(page);
    };
    await refreshDirectory(room.options, { directory: 'acme', market: { listings } });
    const { fault } = room.table.state('acme') ?? {};
    expect(fault).toMatch(/^<html> down for now x+$/);
    expect(fault).toHaveLength(BROKER_REASON_LENGTH_MAX);
    expect(room.recorded).toMatchObject([{ kind: 'failed', fault }]);
  });

  it('finds the spelling that was meant, in the words of the list', async () => {
    const room = directoryRoom();
    await room.refresh([
      listing('BTC/USDT', { name: 'Bitcoin / Tether', assetClass: 'crypto', aliases: ['BTCUSDT'] }),
      listing('MSFT', { name: 'Microsoft Corporation' }),
    ]);
    const meant = (symbol: string): unknown => {
      const found = room.book.resolve(symbol, ['acme']);
      return found.ok ? found.value.id : found.error.did_you_mean;
    };
    expect(meant('btc/usdt')).toEqual(['BTC/USDT']);
    expect(meant('BTCUSDT')).toEqual(['BTC/USDT']);
    expect(meant('MSFTT')).toEqual(['MSFT']);
    expect(room.book.search('micro', 5, ['acme']).map(({ symbol }) => symbol)).toEqual(['MSFT']);
    expect(room.book.search('corporation microsoft', 5, ['acme']).map(({ symbol }) => symbol)).toEqual([
      'MSFT',
    ]);
  });

  it('is written in pieces with a turn for everybody else between them, and answers at once', async () => {
    const room = directoryRoom();
    await room.refresh(many(6_000));
    expect(room.turns()).toBeGreaterThanOrEqual(6_000 / DIRECTORY_CHUNK_ROWS);
    const took = (work: () => void): number => {
      const begun = performance.now();
      work();
      return performance.now() - begun;
    };
    const times = ['S59', 'incorporated', 'S1 incorporated', 'nothing'].flatMap((query) =>
      Array.from({ length: 5 }, () => took(() => room.book.search(query, 20, SCOPES))),
    );
    expect(times.sort((a, b) => a - b)[Math.floor(times.length / 2)]).toBeLessThan(10);
  });
});

describe('what keeps a list fresh', () => {
  it('reads it at the first connection, every day at its time, and again soon after a failure', async () => {
    const room = directoryRoom();
    let asked = 0;
    let broken = true;
    const keeper = keepDirectory(room.options, {
      directory: 'acme',
      market: {
        listings() {
          asked++;
          if (broken) throw new Error('no answer');
          return pages(many(3));
        },
      },
    });
    keeper.connected();
    keeper.connected();
    await room.clock.advanceAsync(0);
    expect(asked).toBe(1);
    broken = false;
    await room.clock.advanceAsync(DIRECTORY_RETRY_MS);
    expect(asked).toBe(2);
    keeper.connected();
    await room.clock.advanceAsync(60_000);
    expect(asked).toBe(2);
    await room.clock.advanceAsync(86_400_000);
    expect(asked).toBe(3);
    expect(new Date(room.table.state('acme')?.refreshedAtMs ?? 0).toISOString()).toContain('T03:10:00');
    keeper.stop();
    await room.clock.advanceAsync(2 * 86_400_000);
    expect(asked).toBe(3);
  });

  it('reads it once for all accounts that list it, of one that is still there', async () => {
    const room = directoryRoom();
    const asked: string[] = [];
    const keeperOf = shareDirectories(room.options);
    const of = (name: string, directory = 'acme') =>
      keeperOf({
        directory,
        market: {
          listings() {
            asked.push(name);
            return pages(directory === 'acme' ? many(3) : []);
          },
        },
      });
    const [first, second, other] = [of('first'), of('second'), of('other', 'elsewhere')];
    first.connected();
    second.connected();
    first.connected();
    await room.clock.advanceAsync(0);
    expect(asked).toEqual(['first']);
    await Promise.all([first.refresh(), second.refresh()]);
    expect(asked).toHaveLength(2);
    other.connected();
    await room.clock.advanceAsync(0);
    expect(asked.at(-1)).toBe('other');
    other.stop();
    first.stop();
    first.connected();
    await room.clock.advanceAsync(86_400_000);
    expect(asked.slice(3)).toEqual(['second']);
    second.stop();
    second.stop();
    await room.clock.advanceAsync(2 * 86_400_000);
    expect(asked).toHaveLength(4);
    // An account that comes later begins it again.
    const third = of('third');
    third.connected();
    await third.refresh();
    expect(asked.at(-1)).toBe('third');
    third.stop();
  });

  it('believes a short list that is as short the second time, and an empty one never', async () => {
    const room = directoryRoom();
    let count = 10;
    const keeper = keepDirectory(room.options, {
      directory: 'acme',
      market: { listings: () => pages(many(count)) },
    });
    await keeper.refresh();
    count = 5;
    await keeper.refresh();
    expect(room.table.countNow('acme')).toBe(10);
    await room.clock.advanceAsync(DIRECTORY_RETRY_MS);
    await room.clock.advanceAsync(0);
    expect(room.table.countNow('acme')).toBe(5);
    count = 0;
    await keeper.refresh();
    await keeper.refresh();
    expect(room.table.countNow('acme')).toBe(5);
    keeper.stop();
  });
});
