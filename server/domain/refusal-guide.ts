/** What each refusal means and what to do about it, in words: documents, `/docs` and OpenAPI tell it from here. */
import { REFUSAL_REASONS, type RefusalReason, statusOf } from './refusal.ts';

export interface RefusalWords {
  readonly meaning: string;
  /** For whoever called; where only the owner can help, it says so. */
  readonly remedy: string;
}

/** In the contract, answered by nothing yet. */
const RESERVED = {
  meaning: 'Reserved for a control that is not there yet; nothing answers it today.',
  remedy: 'Nothing to do.',
};

const ASK_FOR_MORE = 'Change the order, or let the owner change the mandate.';
const LOOK_AT_LIMITS =
  'Look at the figures in limits: make the order smaller, or wait until some of it is free again.';

export const REFUSAL_GUIDE: { readonly [reason in RefusalReason]: RefusalWords } = {
  invalid_input: {
    meaning: 'An argument is missing, unknown or not as its schema says.',
    remedy:
      'Look at errors, which names every wrong field with its rule and the nearest right value; correct and call again.',
  },
  unknown_symbol: {
    meaning: 'No instrument has this symbol.',
    remedy: 'Take one of did_you_mean, or look with search_instruments.',
  },
  ambiguous_symbol: {
    meaning: 'Several instruments go by this name.',
    remedy: 'Take one of did_you_mean; the gateway never picks.',
  },
  not_tradable: {
    meaning: 'The instrument can not be traded in this account, or no feed carries it.',
    remedy: 'Choose another instrument; get_instrument says what each allows.',
  },
  unauthenticated: {
    meaning: 'No key came with the request, or one that nobody was given.',
    remedy: 'Send "Authorization: Bearer pcl_…"; the owner makes a key with `portcullis keys create`.',
  },
  insufficient_scope: {
    meaning: 'The key does not hold the scope of this tool.',
    remedy: 'Ask the owner for a key with the scope that detail names.',
  },
  credential_revoked: {
    meaning: 'The key was revoked, has expired, or was replaced by another.',
    remedy: 'Ask the owner for a new one.',
  },
  ip_not_allowed: {
    meaning: 'The key or the gateway does not take requests from this address.',
    remedy: 'Call from an allowed address; the owner decides which those are.',
  },
  no_mandate: {
    meaning: 'The owner has given this agent no mandate, so nothing may be opened.',
    remedy: 'The owner gives it one in the console, under Agents, or with `portcullis mandates set`.',
  },
  mandate_expired: {
    meaning: 'The mandate has ended. What is held can still be closed.',
    remedy: 'The owner sets a new one.',
  },
  account_not_allowed: {
    meaning: 'The agent was not given this account, or its mandate does not cover it.',
    remedy: 'Take an account of did_you_mean or list_accounts.',
  },
  symbol_not_allowed: { meaning: 'The mandate does not cover this instrument.', remedy: ASK_FOR_MORE },
  side_not_allowed: { meaning: 'The mandate allows the other side only.', remedy: ASK_FOR_MORE },
  order_type_not_allowed: { meaning: 'The mandate does not allow this order type.', remedy: ASK_FOR_MORE },
  outside_trading_hours: {
    meaning: 'The mandate allows orders at other hours only.',
    remedy: 'Wait for the hours that detail names.',
  },
  market_closed: {
    meaning: 'The market is closed and the order can not wait for it to open.',
    remedy: 'Use time_in_force day or gtc, or look at get_market_clock and come back.',
  },
  off_tick: {
    meaning: 'A price is not a multiple of the tick; prices are never rounded for you.',
    remedy: 'Take the nearest price that errors names.',
  },
  off_lot: {
    meaning: 'The quantity is not a positive multiple of the lot.',
    remedy: 'Take the nearest quantity that errors names.',
  },
  below_min_notional: {
    meaning: 'The order is worth less than the instrument takes.',
    remedy: 'Make it larger.',
  },
  no_reference_price: {
    meaning: 'There is no usable price to judge the order by, or no feed for the symbol.',
    remedy: 'Wait for a quote (get_quotes), or choose another instrument.',
  },
  stale_price: {
    meaning: 'The last quote is too old to judge the order by.',
    remedy: 'Wait for a fresh quote; get_gateway_status says how old the last tick is.',
  },
  cannot_value: {
    meaning: 'There is no fresh exchange rate to the currency of the account.',
    remedy: 'Wait for one, or trade an instrument in the currency of the account.',
  },
  price_collar: {
    meaning: 'A price of the order is too far from the market.',
    remedy: 'Take the nearest price that errors names, or check symbol, side and decimal places.',
  },
  max_order_qty: {
    meaning: 'The order is over the largest quantity of the mandate.',
    remedy: LOOK_AT_LIMITS,
  },
  max_order_value: { meaning: 'The order is over the largest value of the mandate.', remedy: LOOK_AT_LIMITS },
  max_daily_value: {
    meaning: 'The day’s orders would be worth more than the mandate allows.',
    remedy: LOOK_AT_LIMITS,
  },
  max_daily_orders: { meaning: 'The day’s number of orders is used up.', remedy: LOOK_AT_LIMITS },
  max_daily_loss: {
    meaning:
      'The agent, or its whole account, has lost what it may lose in a day; only reducing orders are left.',
    remedy: 'Wait for the next mandate day, or let the owner lift it.',
  },
  max_open_orders: {
    meaning: 'As many orders are working as the mandate allows.',
    remedy: 'Cancel one, or wait until one has ended.',
  },
  max_gross_exposure: {
    meaning: 'Positions and working orders together would be over the mandate.',
    remedy: LOOK_AT_LIMITS,
  },
  short_not_allowed: {
    meaning: 'The sale is larger than what you own and are not selling already.',
    remedy: 'Sell at most what is left; close_position never sells too much.',
  },
  not_reducing: {
    meaning: 'The order was to reduce a position, and would open or flip one, or there is none.',
    remedy: 'Look at get_positions: the most that can be closed is in limits.',
  },
  buying_power: { meaning: 'The account has not enough left for the order.', remedy: LOOK_AT_LIMITS },
  duplicate_order: {
    meaning:
      'Another order of yours has this client_order_id, or the very same order is unclear: the broker may have it.',
    remedy:
      'Look at that order (order_id) first; a new order needs an id of its own, an unclear one its end.',
  },
  self_match: {
    meaning: 'The order could trade with one that another holder of the same account has resting.',
    remedy: 'Take a limit price that does not reach the one it names, or wait until that one is gone.',
  },
  throttled: {
    meaning: 'Too many orders in one second on this account.',
    remedy: 'Wait retry_after seconds and send it again.',
  },
  token_required: {
    meaning: 'A commit came without the action_token of a preview.',
    remedy: 'Preview the same arguments (dry_run true) and commit with the token it answers.',
  },
  token_invalid: {
    meaning: 'The action_token is unknown, used, over five minutes old, or of other arguments.',
    remedy: 'Preview again, and commit exactly what was previewed.',
  },
  idempotency_key_required: {
    meaning: 'A commit came without an idempotency_key.',
    remedy: 'Choose one for this order, and use the same one if you have to repeat the call.',
  },
  idempotency_conflict: {
    meaning: 'This idempotency_key was used before, with other arguments.',
    remedy: 'Take a new key for a new order; repeat the old arguments to get the old outcome.',
  },
  approval_required: {
    meaning: 'What was asked for needs the owner’s approval, or the order waits for it already.',
    remedy: 'A change can not wait for it: cancel the order and place it anew, then it waits for the owner.',
  },
  approval_rejected: {
    meaning: 'The owner said no to an order that waited; it was never sent.',
    remedy: 'Read the owner’s words in its timeline; place another order only if they leave room for one.',
  },
  approval_expired: {
    meaning: 'The owner did not decide on an order in time; it was never sent.',
    remedy: 'Tell the owner, and place it anew if it is still wanted: it will wait again.',
  },
  trading_halted: {
    meaning: 'Trading is halted. After the kill switch nothing is answered at all (status 401).',
    remedy: 'Cancel and close your own if you must; only the owner resumes.',
  },
  trading_reducing: {
    meaning: 'Only what lowers risk is possible now.',
    remedy: 'Cancel, reduce or close; get_mandate says why, and the owner lifts it.',
  },
  loosening_refused: {
    meaning: 'Something looser than the mandate in force was asked of tighten_mandate; nothing was changed.',
    remedy: 'Ask for the same or less; only the owner makes a mandate looser.',
  },
  not_found: {
    meaning: 'There is no such order of yours, no such tool, or nothing at this address.',
    remedy: 'Look with get_orders; orders of other agents are not shown.',
  },
  order_final: {
    meaning: 'The order has ended already; nothing is left to change or cancel.',
    remedy: 'Look at it with get_order.',
  },
  rate_limited: {
    meaning: 'Too many calls in too short a time.',
    remedy: 'Wait as many seconds as retry_after and the Retry-After header say.',
  },
  reconciling: {
    meaning: 'The gateway is still finding out from the broker how things stand.',
    remedy: 'Look with get_order or get_gateway_status, and try again in some seconds.',
  },
  max_positions: {
    meaning: 'The account holds, or has orders for, as many instruments as its owner allows.',
    remedy: 'Close one first; orders in an instrument that is held already pass.',
  },
  max_drawdown: {
    meaning: 'The account has fallen as far below its highest equity as its owner allows.',
    remedy: 'Reduce or close; only the owner lets the account add again.',
  },
  max_pending_approvals: {
    meaning: 'As many of your orders as may wait for the owner are waiting.',
    remedy: 'Wait until some are decided, or cancel one that is no longer wanted.',
  },
  store_unavailable: {
    meaning: 'The gateway can not write its records, so it does nothing that needs one.',
    remedy:
      'Where retry_safe is false, look at verify_with first; otherwise try again later. The owner sees the cause.',
  },
  broker_unavailable: {
    meaning: 'The broker could not be reached, or did not answer in time.',
    remedy: 'Try again later; get_gateway_status says whether it is connected.',
  },
  internal: {
    meaning: 'Something went wrong inside the gateway.',
    remedy:
      'Where retry_safe is false, look at verify_with before anything else; the owner finds the cause in the record.',
  },
};

export const isReserved = (reason: RefusalReason): boolean => REFUSAL_GUIDE[reason] === RESERVED;

/** What each HTTP status says, for whoever branches on it. */
const STATUS_WORDS: readonly (readonly [status: number, words: string])[] = [
  [400, 'The arguments are not right; correct them and call again.'],
  [401, 'Who is calling is not known, or no longer welcome.'],
  [403, 'The caller may not do this: scope, mandate or trading state.'],
  [404, 'There is no such thing, or it is not yours.'],
  [409, 'It does not fit what happened before: key, token, or an order that has ended.'],
  [422, 'The market or a limit does not allow it.'],
  [429, 'Too fast; wait as long as Retry-After says.'],
  [500, 'A fault of the gateway.'],
  [503, 'The gateway or the broker can not do it now.'],
];

export interface RefusalGroup {
  readonly status: number;
  readonly words: string;
  readonly reasons: readonly RefusalReason[];
}

/** Every status with its reasons, in the order of the contract. */
export const refusalGroups = (): readonly RefusalGroup[] =>
  STATUS_WORDS.map(([status, words]) => ({
    status,
    words,
    reasons: REFUSAL_REASONS.filter((reason) => statusOf(reason) === status),
  }));
