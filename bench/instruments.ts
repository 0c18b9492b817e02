/** How long an instrument is looked for among two hundred thousand of one broker's list: by symbol, by name, and misspelt. */
import { wallClock } from '#clock.ts';
import { refreshDirectory } from '#market/directory-refresh.ts';
import { instrumentBook } from '#market/instrument-book.ts';
import { instrumentTable } from '#market/instrument-table.ts';
import { BUILT_IN } from '#market/master.ts';
import { storedInstruments } from '#market/stored-instruments.ts';
import { openStore } from '#store/open.ts';
import { listing, pages } from '../test/support/listings.ts';
import { defineFigure, quantile } from './figure.ts';

const LISTED = 200_000;
const QUICK_LISTED = 5_000;
const PAGE = 1_000;
const SCOPES = ['built-in', 'acme'];

const WORDS = 'Alpha Borealis Cedar Delta Ember Falcon Granite Harbor Indigo Juniper Keystone Lumen'.split(
  ' ',
);
const KINDS =
  'Energy Holdings Industries Materials Pharma Semiconductors Software Steel Transport Utilities'.split(' ');
const nameOf = (n: number): string =>
  `${WORDS[n % WORDS.length]} ${KINDS[Math.floor(n / WORDS.length) % KINDS.length]} ${n}`;
/** Of letters, like a symbol: `S` and five more. */
const symbolOf = (n: number): string =>
  `S${Array.from({ length: 5 }, (_, place) => String.fromCodePoint(65 + (Math.floor(n / 26 ** place) % 26))).join('')}`;

export const instruments = defineFigure({
  name: 'instruments',
  about: 'an instrument found among 200,000: by symbol, by words of its name, by a misspelling',
  async run(bench) {
    const count = bench.quick ? QUICK_LISTED : LISTED;
    const store = openStore(bench.folder());
    bench.onEnd(() => store.close());
    const table = instrumentTable(store);
    const listed = storedInstruments(table);
    const lists = Array.from({ length: count / PAGE }, (_, page) =>
      Array.from({ length: PAGE }, (_one, at) => {
        const n = page * PAGE + at;
        return listing(symbolOf(n), { name: nameOf(n) });
      }),
    );
    const beganMs = performance.now();
    const { outcome } = await refreshDirectory(
      {
        store,
        table,
        clock: wallClock,
        turn: () => new Promise((next) => void setImmediate(next)),
        changed: () => listed.changed(),
        record: () => undefined,
      },
      { directory: 'acme', market: { listings: () => pages(...lists) } },
    );
    if (outcome.kind === 'failed') throw new Error(outcome.fault);
    const writtenMs = performance.now() - beganMs;
    const book = instrumentBook(BUILT_IN, listed);
    const times = new Map<string, number[]>();
    function look(how: string, found: () => unknown): void {
      const startedMs = performance.now();
      const result = found();
      const took = performance.now() - startedMs;
      if (result === undefined || (Array.isArray(result) && result.length === 0))
        throw new Error(`${how}: nothing was found`);
      times.set(how, [...(times.get(how) ?? []), took]);
    }
    // Other ones each time: what was read before is remembered.
    for (let round = 0; round < (bench.quick ? 20 : 300); round++) {
      const n = (round * 7_919) % count;
      look('symbol', () => (book.resolve(symbolOf(n), SCOPES).ok ? true : undefined));
      look('beginning', () => book.search(symbolOf(n).slice(0, 4), 20, SCOPES));
      look('name', () => book.search(nameOf(n), 20, SCOPES));
      look('word', () => book.search(WORDS[n % WORDS.length] ?? '', 20, SCOPES));
      look('misspelt', () => {
        const refused = book.resolve(`${symbolOf(n).slice(0, 5)}7`, SCOPES);
        return refused.ok ? undefined : true;
      });
    }
    const p99 = new Map(Array.from(times, ([how, ms]) => [how, quantile(ms, 0.99)]));
    const worst = Math.max(...p99.values());
    bench.say(Array.from(p99, ([how, ms]) => `${how} ${ms.toFixed(2)} ms`).join(', '));
    const details = { p99: Object.fromEntries(p99), listed: count, written_in_ms: Math.round(writtenMs) };
    return [{ name: 'search_200k', value: worst, unit: 'ms', target: { atMost: 10 }, details }];
  },
});
