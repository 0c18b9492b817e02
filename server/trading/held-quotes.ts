/** What is held and what works stays quoted: without a quote a position has no mark, and a loss is not seen. */
import type { InstrumentId } from '#domain/instrument.ts';
import type { AccountId } from '#domain/principal.ts';
import { HELD_QUOTES_INTERVAL_MS } from '#limits.ts';
import type { MarketFeed } from '#ports.ts';
import { StoreUnavailable } from '#store/open.ts';
import { ACCOUNT_HOLDER } from './holdings.ts';
import { feedOf, type Line } from './line.ts';

interface Held {
  readonly feed: MarketFeed;
  readonly ids: string;
  readonly release: () => void;
}

/** Each account's instruments on its own feed, looked at anew now and then; returns what releases all of them. */
export function keepQuoted(line: Line): () => void {
  const held = new Map<AccountId, Held>();

  function hold(account: AccountId): void {
    const feed = feedOf(line, account);
    const wanted = exposedIn(line, account);
    const ids = wanted.join(' ');
    const before = held.get(account);
    if (before?.feed === feed && before.ids === ids) return;
    // The new before the old, so that what is in both is not let go in between.
    held.set(account, { feed, ids, release: feed.hold(wanted, 'traded') });
    before?.release();
  }
  function look(): void {
    try {
      for (const account of line.adapters.keys()) hold(account);
      for (const [account, { release }] of held) {
        if (line.adapters.has(account)) continue;
        release();
        held.delete(account);
      }
    } catch (cause) {
      // A store that can not be read now is read at the next look.
      if (!(cause instanceof StoreUnavailable)) throw cause;
    } finally {
      cancel = line.clock.after(HELD_QUOTES_INTERVAL_MS, look);
    }
  }
  let cancel: () => void = () => undefined;
  look();
  return () => {
    cancel();
    for (const { release } of held.values()) release();
  };
}

function exposedIn(line: Line, account: AccountId): readonly InstrumentId[] {
  const positions = line.holdings.byHolder(ACCOUNT_HOLDER, account).filter(({ qty }) => !qty.eq('0'));
  const all = [...positions, ...line.orders.working({ account })].map(({ instrument }) => instrument);
  return [...new Set(all)].sort();
}
