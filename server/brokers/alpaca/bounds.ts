/** Bounds of Alpaca: what it publishes of itself, and how far this adapter goes. */
import type { BudgetRule } from '#brokers/request-budget.ts';

const MINUTE_MS = 60_000;
/** Published for the trading API, for each account. */
export const TRADING_LIMITS: readonly BudgetRule[] = [{ name: 'requests', max: 200, perMs: MINUTE_MS }];
/** Of market data: the free plan, and the paid one. */
export const DATA_LIMITS: Readonly<Record<'iex' | 'sip', readonly BudgetRule[]>> = {
  iex: [{ name: 'requests', max: 200, perMs: MINUTE_MS }],
  sip: [{ name: 'requests', max: 10_000, perMs: MINUTE_MS }],
};
/** Requests of one kind that wait for their turn. */
export const QUEUE_MAX = 100;
/** Less than the line waits for an answer, so that what it is told is this adapter's word. */
export const CALL_TIMEOUT_MS = 9_000;
/** With their queue: what is sent is answered before the line has given up on it. */
export const ORDER_TIMEOUT_MS = 5_500;
/** The list of all shares in one answer. */
export const ASSETS_TIMEOUT_MS = 60_000;
export const ASSETS_BYTES_MAX = 48 * 1024 * 1024;
export const LISTINGS_PER_PAGE = 1_000;
/** After a 429 that does not say how long. */
export const HOLD_DEFAULT_MS = 5_000;

export const ORDERS_PER_PAGE = 500;
export const ORDER_PAGES_MAX = 20;
export const FILLS_PER_PAGE = 100;
export const FILL_PAGES_MAX = 50;
/** Fills of one moment may be listed in any order and a little late: so much is always read again, and told once. */
export const FILLS_OVERLAP_MS = 60_000;
/** Characters by which a cursor knows a fill again. */
export const FILL_MARK_LENGTH = 10;
/** The history is looked at for what the stream told of no more often than this. */
export const FILL_LOOK_EVERY_MS = 500;
/** How long after the stream told of a fill the history may still be without it, look by look. */
export const FILL_LOOKS_MS: readonly number[] = [250, 500, 1_000, 2_000, 4_000];

/** Orders kept in memory, the latest heard of. */
export const ORDERS_REMEMBERED_MAX = 10_000;
/** Changes of one order; each makes another order at Alpaca. */
export const CHANGES_MAX = 200;

/** From the sign-in on a stream to its being taken. */
export const SIGN_IN_MAX_MS = 10_000;
export const SILENCE_MAX_MS = 25_000;
export const PING_EVERY_MS = 8_000;
export const BACKOFF = { firstMs: 500, maxMs: 20_000 } as const;
/** The account is looked at this often: its blocks, its clock. */
export const CHECK_EVERY_MS = 60_000;
export const CHECK_AGAIN_MS = 5_000;
export const CLOCK_SKEW_MAX_MS = 5_000;
/** "No such order" is believed this long after sending: longer than any request of ours can be on its way. */
export const ABSENT_IS_FINAL_AFTER_MS = 30_000;

/** Free plan; the paid one has no limit of its own. */
export const FOLLOWED_MAX: Readonly<Record<'iex' | 'sip', number>> = { iex: 30, sip: 1_000 };
export const SYMBOLS_PER_REQUEST = 100;
export const SYMBOLS_PER_MESSAGE = 200;
export const BARS_PER_PAGE = 10_000;
export const BAR_PAGES_MAX = 20;
