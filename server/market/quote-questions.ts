/** Asks a broker for quotes that are not fresh: together, once for all who want the same one, and never for longer than anybody waits. */
import type { InstrumentId } from '#domain/instrument.ts';
import { FEED_ASK_AGAIN_MS, FEED_ASK_WAIT_MS, QUOTES_PER_REQUEST_MAX } from '#limits.ts';
import type { BrokerListing, BrokerMarket, Clock, Quote } from '#ports.ts';

export interface QuestionOptions {
  readonly market: Pick<BrokerMarket, 'quotes'>;
  readonly clock: Clock;
  readonly isFresh: (id: InstrumentId) => boolean;
  readonly answered: (quotes: readonly Quote[]) => void;
}

export interface Questions {
  /** Resolves when there is an answer, or none will come in time; never rejects. */
  ask(listings: readonly BrokerListing[]): Promise<void>;
}

interface Asked {
  readonly atMs: number;
  readonly answer: Promise<void>;
}

export function openQuestions({ market, clock, isFresh, answered }: QuestionOptions): Questions {
  /** Under way, or so lately that the answer would be the same. */
  const asked = new Map<InstrumentId, Asked>();

  async function question(listings: readonly BrokerListing[]): Promise<void> {
    try {
      answered(await market.quotes(listings));
    } catch {
      // What could not be had is stale or absent in the feed, which is what refuses orders on it.
    }
  }
  function begin(listings: readonly BrokerListing[]): void {
    const atMs = clock.monotonicMs();
    for (let from = 0; from < listings.length; from += QUOTES_PER_REQUEST_MAX) {
      const some = listings.slice(from, from + QUOTES_PER_REQUEST_MAX);
      const answer = question(some);
      for (const { instrument } of some) asked.set(instrument.id, { atMs, answer });
    }
  }

  return {
    async ask(listings) {
      const nowMs = clock.monotonicMs();
      for (const [id, { atMs }] of asked) if (nowMs - atMs >= FEED_ASK_AGAIN_MS) asked.delete(id);
      const stale = listings.filter(({ instrument }) => !isFresh(instrument.id));
      begin(stale.filter(({ instrument }) => !asked.has(instrument.id)));
      const answers = stale.flatMap(({ instrument }) => asked.get(instrument.id)?.answer ?? []);
      if (answers.length === 0) return;
      let cancel = (): void => undefined;
      const tooLong = new Promise<void>((resolve) => {
        cancel = clock.after(FEED_ASK_WAIT_MS, resolve);
      });
      await Promise.race([Promise.all(answers), tooLong]);
      cancel();
    },
  };
}
