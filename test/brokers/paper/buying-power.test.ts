/** What open orders reserve is kept from one question to the next: it is always what a venue that adds it up anew would say. */
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { PRESET_RULES } from '#brokers/paper/settings.ts';
import { paperVenue, type TestVenue } from '../../support/paper-venue.ts';
import { randomTrader, seededNumbers } from '../../support/random-trader.ts';

const GRID = { tick: '0.01', lot: '1', lotsMax: 60, ticksMax: 40 } as const;

let venue: TestVenue | undefined;
afterEach(() => venue?.close());

const powerOf = async (of: TestVenue): Promise<string> => (await of.adapter.balance()).buyingPower.toFixed();

test('after anything that an account can do', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.constantFrom('cash', 'margin'), async (seed, accountType) => {
      let open = paperVenue({ rules: PRESET_RULES.realistic, accountType, cash: '40000' });
      venue = open;
      const next = seededNumbers(seed);
      const trader = randomTrader(seed, GRID);
      let cents = 10_000;
      for (let step = 0; step < 60; step++) {
        const at = (cents / 100).toFixed(2);
        open.step({ bid: at, ask: ((cents + 1) / 100).toFixed(2), sessionEnd: step % 23 === 22 });
        for (let call = Math.floor(next() * 4); call > 0; call--) {
          const act = trader.act(at);
          if (act.kind === 'cancel') await open.cancel(act.id);
          else await open[act.kind](act.order);
          const kept = await powerOf(open);
          if (next() > 0.15) continue;
          open = open.reopen();
          venue = open;
          expect(kept, `seed ${seed}, step ${step}`).toBe(await powerOf(open));
        }
        cents += Math.floor((next() - 0.5) * 40);
      }
      open.close();
      venue = undefined;
    }),
    { numRuns: 12 },
  );
}, 30_000);

test('a replace is measured as if what it replaces closed nothing', async () => {
  const open = paperVenue({ cash: '10000' });
  venue = open;
  open.step({ bid: '100', ask: '100' });
  await open.place({ id: 'long', side: 'buy', qty: '50' });
  open.step({ bid: '100', ask: '100' });
  expect(await open.place({ id: 'a', side: 'sell', qty: '50', limit: '110' })).toBe('accepted');
  expect(await open.place({ id: 'b', side: 'sell', qty: '45', limit: '110' })).toBe('accepted');
  expect(await powerOf(open)).toBe('50');
  // Without `a` it is `b` that closes, and reserves nothing.
  expect(await open.replace({ id: 'a', side: 'sell', qty: '50', limit: '90' })).toBe('accepted');
  expect(await open.replace({ id: 'a', side: 'sell', qty: '60', limit: '110' })).toMatch(
    /^rejected: buying power/,
  );
});
