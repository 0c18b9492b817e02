/** Fills as Alpaca's history tells them: read on from a cursor, each told once, whatever its order in the list. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { absolute, price, quantity } from '#domain/decimal.ts';
import type { BrokerExecution } from '#ports.ts';
import { type AccountOptions, must } from './account.ts';
import type { AlpacaApi } from './api.ts';
import { FILL_MARK_LENGTH, FILL_PAGES_MAX, FILLS_OVERLAP_MS, FILLS_PER_PAGE } from './bounds.ts';
import { feeInKind, feeOf } from './fees.ts';
import { findListing } from './listings.ts';
import { clientIdOf } from './terms.ts';
import { type FillPayload, fillPayload, msOf } from './wire.ts';

/** From which moment fills are this account's, up to which they were read, epoch ms by Alpaca's clock, and which of the last were. */
export interface Cursor {
  readonly fromMs: number;
  readonly readMs: number;
  /** Marks of the fills of the last minutes before `readMs`, which are listed again. */
  readonly seen: ReadonlySet<string>;
}
export const cursorAt = (nowMs: number): Cursor => ({ fromMs: nowMs, readMs: nowMs, seen: new Set() });
const CURSOR = /^(\d{1,15})\/(\d{1,15})\/([\w-]*(?:,[\w-]+)*)$/;
export const cursorText = ({ fromMs, readMs, seen }: Cursor): string =>
  `${fromMs}/${readMs}/${[...seen].join(',')}`;
export function cursorFrom(written: string): Cursor {
  const [, fromMs, readMs, seen] = CURSOR.exec(written) ?? [];
  if (fromMs === undefined || readMs === undefined) throw new RangeError('not a cursor of an Alpaca account');
  return {
    fromMs: Number(fromMs),
    readMs: Number(readMs),
    seen: new Set((seen ?? '').split(',').filter((mark) => mark !== '')),
  };
}
const markOf = (fill: FillPayload): string =>
  createHash('sha256').update(fill.id).digest('base64url').slice(0, FILL_MARK_LENGTH);

export interface Fills {
  /** Those after the cursor, oldest first. */
  since(
    cursor: Cursor,
  ): Promise<{ readonly executions: readonly BrokerExecution[]; readonly cursor: Cursor }>;
}

export function openFills(options: AccountOptions, coinTier: () => number): Fills {
  const { api, chains, directory, onUnlisted } = options;

  async function executionOf(fill: FillPayload): Promise<BrokerExecution | undefined> {
    const chain = await chains.of(fill.order_id);
    const listing = findListing(directory, chain?.root ?? fill);
    if (listing === undefined) {
      onUnlisted(fill.symbol);
      return undefined;
    }
    const side = fill.side === 'buy' ? 'buy' : 'sell';
    const [qty, at, timeMs] = [absolute(quantity(fill.qty)), price(fill.price), msOf(fill.transaction_time)];
    const feeQty = feeInKind(listing.instrument, { side, qty, coinTier: coinTier() });
    return {
      executionId: fill.id,
      brokerOrderId: chain?.root.id ?? fill.order_id,
      brokerClientId: chain === undefined ? null : clientIdOf(chain.root),
      instrument: listing.instrument.id,
      side,
      qty,
      price: at,
      fee: feeOf(listing.instrument, { side, qty, price: at, timeMs, coinTier: coinTier() }),
      ...(feeQty === undefined ? {} : { feeQty }),
      timeMs,
    };
  }

  return {
    async since({ fromMs, readMs, seen }) {
      const executions: BrokerExecution[] = [];
      const marks = new Map<string, number>();
      let newestMs = readMs;
      for await (const page of fillPages(api, Math.max(fromMs, readMs - FILLS_OVERLAP_MS))) {
        for (const fill of page) {
          const timeMs = msOf(fill.transaction_time);
          if (timeMs < fromMs) continue;
          newestMs = Math.max(newestMs, timeMs);
          marks.set(markOf(fill), timeMs);
          const execution = seen.has(markOf(fill)) ? undefined : await executionOf(fill);
          if (execution !== undefined) executions.push(execution);
        }
      }
      const lately = [...marks].filter(([, timeMs]) => timeMs >= newestMs - FILLS_OVERLAP_MS);
      return {
        executions,
        cursor: { fromMs, readMs: newestMs, seen: new Set(lately.map(([mark]) => mark)) },
      };
    },
  };
}

/** Each page goes on after the last of the one before it. What is beyond the bound is read from the cursor the next time. */
async function* fillPages(api: AlpacaApi, afterMs: number) {
  let token: string | undefined;
  for (let page = 0; page < FILL_PAGES_MAX; page++) {
    const fills = must(
      await api.read(z.array(fillPayload), '/v2/account/activities/FILL', {
        query: {
          direction: 'asc',
          page_size: String(FILLS_PER_PAGE),
          // Exclusive there; a fill of that very moment counts here.
          after: new Date(Math.max(afterMs - 1, 0)).toISOString(),
          ...(token === undefined ? {} : { page_token: token }),
        },
      }),
    );
    yield fills;
    if (fills.length < FILLS_PER_PAGE) return;
    token = fills.at(-1)?.id;
  }
}
