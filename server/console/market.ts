/** The market: which instruments there are, what they trade at, and whether their market is open. */
import { text } from '#domain/decimal.ts';
import { ok } from '#domain/result.ts';
import { CONSOLE_ROWS_MAX } from '#limits.ts';
import { definePage } from './define.ts';
import { decimalsOf } from './figures.ts';

/** Longer than any name. */
const SEARCH_LENGTH_MAX = 80;

export const market = definePage({
  path: '/market',
  title: 'Market',
  view: 'market.html',
  nav: { label: 'Market', group: 'trade' },
  live: ['quotes'],
  async load({ services: { book, markets, clock }, query }) {
    const asked = (query['query'] ?? '').slice(0, SEARCH_LENGTH_MAX);
    const feed = markets.all();
    const found = book.search(asked, CONSOLE_ROWS_MAX, markets.scopes());
    // Who only looks at the page asks no broker for fifty quotes.
    if (asked !== '') await feed.follow(found.map(({ id }) => id));
    const rows = found.map((instrument) => {
      const quote = feed.quote(instrument.id);
      return {
        id: instrument.id,
        symbol: instrument.symbol,
        name: instrument.name,
        asset_class: instrument.assetClass,
        currency: instrument.currency,
        phase: feed.phase(instrument.id)?.phase ?? null,
        bid: quote ? text(quote.bid) : null,
        ask: quote ? text(quote.ask) : null,
        last: quote?.last ? text(quote.last) : null,
        age_ms: quote ? Math.max(0, clock.wallMs() - quote.publishedMs) : null,
      };
    });
    return ok({
      query: asked,
      rows,
      carried: rows.filter((row) => row.phase !== null).length,
      decimals: decimalsOf(
        rows.flatMap((row) => [row.bid, row.ask, row.last]),
        2,
      ),
    });
  },
});
