/** Notices when the tape of an open market falls silent, and when it speaks again: on the record, once each. */
import type { AuditEvent } from '#audit/event.ts';
import { BUILT_IN_DIRECTORY, type Instrument, type InstrumentId } from '#domain/instrument.ts';
import { FEED_WATCH_INTERVAL_MS, QUOTE_AGE_MAX_MS } from '#limits.ts';
import { StoreUnavailable } from '#store/open.ts';
import type { Line } from './line.ts';

const DOWN = 'feed_down:';

/**
 * Silence is counted by the monotonic clock, from the start or the opening on; returns what ends the watch. A live feed is watched where it
 * is kept (market/live-feed.ts): of what nobody trades it has nothing to say, and is not silent for that.
 */
export function watchFeed(line: Line): () => void {
  const { clock, markets, settings } = line;
  const heardAtMs = new Map<InstrumentId, number>();
  /** Wall time of the last quote before the silence, for the words alone. */
  const down = new Map<InstrumentId, number>();
  for (const [id, sinceMs] of settings.under(DOWN)) down.set(id as InstrumentId, Number(sinceMs));

  function check(): void {
    const nowMs = clock.monotonicMs();
    const feed = markets.all();
    for (const instrument of feed.instruments()) {
      const { id, directory } = instrument;
      if (directory !== BUILT_IN_DIRECTORY) continue;
      const isOpen = feed.phase(id)?.phase === 'open';
      const heardMs = heardAtMs.get(id) ?? nowMs;
      heardAtMs.set(id, isOpen ? heardMs : nowMs);
      if (!isOpen || down.has(id) || nowMs - heardMs < QUOTE_AGE_MAX_MS) continue;
      const sinceMs = line.wallMs() - (nowMs - heardMs);
      down.set(id, sinceMs);
      note(line, { kind: 'feed.down', outcome: 'error', detail: detailOf(line, instrument, sinceMs) }, () =>
        settings.set(DOWN + id, String(sinceMs)),
      );
    }
  }
  function heard(id: InstrumentId): void {
    heardAtMs.set(id, clock.monotonicMs());
    const sinceMs = down.get(id);
    if (sinceMs === undefined) return;
    down.delete(id);
    const instrument = line.book.byId(id);
    if (instrument === undefined) return;
    note(line, { kind: 'feed.back', outcome: 'ok', detail: detailOf(line, instrument, sinceMs) }, () =>
      settings.remove(DOWN + id),
    );
  }

  let cancel = (): void => undefined;
  const again = (): void => {
    cancel = clock.after(FEED_WATCH_INTERVAL_MS, () => {
      check();
      again();
    });
  };
  check();
  again();
  const forget = markets.onTick(({ quote }) => heard(quote.instrument));
  return () => {
    cancel();
    forget();
  };
}

const detailOf = (line: Line, { symbol }: Instrument, sinceMs: number) => ({
  symbol,
  silent_s: Math.max(0, Math.round((line.wallMs() - sinceMs) / 1_000)),
});

/** A feed that fell silent because the store is broken is on the record once that has healed. */
function note(line: Line, event: AuditEvent, remember: () => void): void {
  try {
    line.store.transaction(() => {
      remember();
      line.audit.record(event);
    });
  } catch (cause) {
    if (!(cause instanceof StoreUnavailable)) throw cause;
    line.audit.recordDeferred(event);
  }
}
