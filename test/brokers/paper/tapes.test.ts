/** Real tapes, played through the real feed, with a seeded trader on several accounts at once. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { connectPaper, type PaperAdapter } from '#brokers/paper/adapter.ts';
import { PRESETS } from '#brokers/paper/settings.ts';
import { accountId } from '#domain/principal.ts';
import { BUILT_IN } from '#market/master.ts';
import { loadTape } from '#market/tape.ts';
import { openTapeFeed, type TapeFeed } from '#market/tape-feed.ts';
import { openStore, type Store } from '#store/open.ts';
import { cleared } from '../../support/cleared.ts';
import { handClock } from '../../support/hand-clock.ts';
import { audit, randomTrader } from '../../support/random-trader.ts';

const DATA = join(import.meta.dirname, '../../../../shared/data/market');
const TAPES = [
  { file: 'SPY-1m-2013-10-04..11.csv', symbol: 'SPY', lotsMax: 300, bars: 3000 },
  { file: 'BTCUSD-coinbase-1m-2018-04-04..05.csv', symbol: 'BTC/USD', lotsMax: 100_000_000, bars: 800 },
  { file: 'EURUSD-oanda-1m-2018-04-03..04.csv', symbol: 'EUR/USD', lotsMax: 30_000, bars: 800 },
  { file: 'YESBANK-nse-1m-2019-07-09..11.csv', symbol: 'YESBANK', lotsMax: 400, bars: 1130 },
] as const;

interface Floor {
  readonly store: Store;
  readonly feed: TapeFeed;
  readonly accounts: readonly PaperAdapter[];
}

function openFloor(folder: string, file: string, symbol: string): Floor {
  const instrument = BUILT_IN.find((one) => one.symbol === symbol);
  if (!instrument) throw new Error(`no ${symbol}`);
  const store = openStore(folder);
  store.db.pragma('synchronous = OFF');
  const clock = handClock();
  const feed = openTapeFeed({ tape: loadTape({ file, instrument }), store, clock, barSeconds: 4 });
  const accounts = PRESETS.map((preset, index) =>
    connectPaper({
      account: {
        id: accountId(preset),
        settings: { preset, seed: 7, cash: '100000', accountType: index === 1 ? 'cash' : 'margin' },
      },
      store,
      feed,
    }),
  );
  return { store, feed, accounts };
}

async function trade(
  floor: Floor,
  traders: readonly ReturnType<typeof randomTrader>[],
  steps: number,
): Promise<void> {
  const { feed, accounts } = floor;
  const instrument = feed.tape.instrument.id;
  for (let n = 0; n < steps; n++) {
    feed.stepOnce();
    const mid = feed.quote(instrument)?.bid.toFixed();
    if (mid === undefined) continue;
    for (const [index, account] of accounts.entries()) {
      const trader = traders[index];
      if (trader === undefined || trader.next() > 0.1) continue;
      const act = trader.act(mid);
      if (act.kind === 'place') await account.place(cleared({ ...act.order, instrument }));
      else if (act.kind === 'replace') await account.replace(cleared({ ...act.order, instrument }));
      else await account.cancel({ brokerClientId: act.id });
    }
  }
}

describe.each(TAPES)('on the tape of $symbol', ({ file, symbol, lotsMax, bars }) => {
  const path = join(DATA, file);
  const here = existsSync(path);
  if (!here) console.log(`skipped: ${file} is not beside the project`);

  test.skipIf(!here)(
    'the books obey their laws under every preset, restart included',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'paper-'));
      try {
        const instrument = BUILT_IN.find((one) => one.symbol === symbol);
        const grid = {
          tick: instrument?.tick.toFixed() ?? '',
          lot: instrument?.lot.toFixed() ?? '',
          lotsMax,
          ticksMax: 60,
        };
        const traders = PRESETS.map((_, index) => randomTrader(index + 11, grid));
        let floor = openFloor(folder, path, symbol);
        await trade(floor, traders, bars * 2);
        const before = await Promise.all(floor.accounts.map(async (one) => one.balance()));
        floor.store.close();
        floor = openFloor(folder, path, symbol);
        expect(await Promise.all(floor.accounts.map(async (one) => one.balance()))).toEqual(before);
        await trade(floor, traders, bars * 2 + 8);
        for (const account of floor.accounts) {
          const sums = audit(account.journal(), account.accountType);
          expect(sums.executions).toBeGreaterThan(20);
          expect((await account.balance()).cash.toFixed()).toBe(sums.cash.toFixed());
        }
        floor.store.close();
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
    60_000,
  );
});

describe('on the sample tape', () => {
  test('several accounts share a feed, each with books of its own', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'paper-'));
    const floor = openFloor(folder, 'sample', 'SPX');
    const instrument = floor.feed.tape.instrument.id;
    floor.feed.stepOnce();
    const [friendly, realistic] = floor.accounts;
    await friendly?.place(cleared({ id: 'a', side: 'buy', qty: '3', instrument }));
    for (let n = 0; n < 5; n++) floor.feed.stepOnce();
    expect((await friendly?.positions())?.map((one) => one.qty.toFixed())).toEqual(['3']);
    expect(await realistic?.positions()).toEqual([]);
    await friendly?.close();
    expect(friendly?.connected()).toBe(false);
    floor.store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('a market order of a day fills before its session ends, whenever it comes', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'paper-'));
    const floor = openFloor(folder, 'sample', 'SPX');
    const instrument = floor.feed.tape.instrument.id;
    const realistic = floor.accounts[1];
    floor.feed.stepOnce();
    for (let n = 0; n < 40; n++) {
      await realistic?.place(cleared({ id: `o${n}`, side: 'buy', qty: '1', tif: 'day', instrument }));
      for (let steps = 0; steps < 5; steps++) floor.feed.stepOnce();
      expect((await realistic?.orderByClientId(`o${n}`))?.status).toBe('filled');
    }
    floor.store.close();
    rmSync(folder, { recursive: true, force: true });
  });
});
