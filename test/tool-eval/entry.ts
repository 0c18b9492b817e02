// One call as a model gets it wrong, and what is right to answer it.
import type { RefusalReason } from '#domain/refusal.ts';
import type { SceneName } from '../support/still-market.ts';

export interface Entry {
  /** Why models write it like this; the entry's name in the report. */
  readonly why: string;
  /** Which market it is made in; default `spx`. */
  readonly scene?: SceneName;
  readonly tool: string;
  /**
   * In text, `{resting}` is the id of a working order of the caller's, `{filled}` of a filled one, `{foreign}` of another
   * agent's, and `{token}` the action_token of what `previewed` says.
   */
  readonly args: unknown;
  readonly previewed?: { readonly tool?: string; readonly args: object };
  readonly expect: Expected;
}

export type Expected =
  /** Runs as it is; nothing is said to have been repaired. */
  | { readonly kind: 'accepted' }
  /** Runs, and its preview warns with a sentence that holds these words. */
  | { readonly kind: 'warned'; readonly of: string }
  /** Runs, and `normalized` says what was made of it. */
  | { readonly kind: 'repaired'; readonly normalized: Readonly<Record<string, unknown>> }
  /** Refused, and the refusal names the fix; by field, the `nearest` or null for a field to leave out. */
  | {
      readonly kind: 'points_at';
      readonly reason: RefusalReason;
      readonly nearest: Readonly<Record<string, string | null>>;
    }
  /** Refused; the same arguments are to be previewed (again). */
  | { readonly kind: 'preview_again'; readonly reason: RefusalReason }
  /** Refused with nothing suggested for these fields, because any suggestion would be a guess. */
  | { readonly kind: 'left_open'; readonly reason: RefusalReason; readonly fields: readonly string[] }
  /** There is no such tool; the nearest one is named, or none is. */
  | { readonly kind: 'no_tool'; readonly nearest: string | null };

export const ACCEPTED: Expected = { kind: 'accepted' };
export const warned = (of: string): Expected => ({ kind: 'warned', of });
export const PREVIEW_AGAIN = (reason: 'token_required' | 'token_invalid'): Expected => ({
  kind: 'preview_again',
  reason,
});
export const repaired = (normalized: Readonly<Record<string, unknown>>): Expected => ({
  kind: 'repaired',
  normalized,
});
export const pointsAt = (
  nearest: Readonly<Record<string, string | null>>,
  reason: RefusalReason = 'invalid_input',
): Expected => ({ kind: 'points_at', reason, nearest });
export const leavesOut = (...fields: readonly string[]): Expected =>
  pointsAt(Object.fromEntries(fields.map((field) => [field, null])));
export const leftOpen = (reason: RefusalReason, ...fields: readonly string[]): Expected => ({
  kind: 'left_open',
  reason,
  fields,
});
export const noTool = (nearest: string | null): Expected => ({ kind: 'no_tool', nearest });

/** What the tables vary. */
export const MARKET = { symbol: 'SPX', side: 'buy', qty: '1', type: 'market' } as const;
export const LIMIT = { ...MARKET, type: 'limit', limit_price: '4990' } as const;
export const without = (args: object, ...fields: readonly string[]): object =>
  Object.fromEntries(Object.entries(args).filter(([field]) => !fields.includes(field)));
