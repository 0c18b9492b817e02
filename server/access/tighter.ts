/** What is tighter than what, field by field of a mandate. Pure: nothing is tighter than it was by anything but these rules. */
import { compare, ratio } from '#domain/decimal.ts';
import type { MandateDocument, TradingHours } from '#domain/mandate.ts';

/** `looser` also where the two can not be compared: what is not plainly tighter is the owner's to decide. */
export type Comparison = 'same' | 'tighter' | 'looser';

/** Symbols are compared by what they were resolved to, in `tighten.ts`. */
type ComparedField = Exclude<keyof MandateDocument, 'symbols' | 'tests'>;
type Rules = {
  readonly [K in ComparedField]-?: (
    asked: NonNullable<MandateDocument[K]> | (null extends MandateDocument[K] ? null : never),
    now: MandateDocument[K],
  ) => Comparison;
};

export function subset<T>(asked: Iterable<T>, now: Iterable<T>): Comparison {
  const [wanted, held] = [new Set(asked), new Set(now)];
  if (!wanted.isSubsetOf(held)) return 'looser';
  return wanted.size === held.size ? 'same' : 'tighter';
}

/** By sign: below zero is tighter. */
const bySign = (difference: number): Comparison =>
  difference === 0 ? 'same' : difference < 0 ? 'tighter' : 'looser';
const amount = (asked: string, now: string): Comparison => bySign(compare(ratio(asked), ratio(now)));
const count = (asked: number, now: number): Comparison => bySign(asked - now);
/** Of two words the second one is the tighter. */
const towards =
  <T extends string | boolean>(tighter: T) =>
  (asked: T, now: T): Comparison =>
    asked === now ? 'same' : asked === tighter ? 'tighter' : 'looser';

export const TIGHTER: Rules = {
  accounts: subset,
  asset_classes: (asked, now) => (now === undefined ? 'tighter' : subset(asked, now)),
  sides: subset,
  may_reduce: towards<MandateDocument['may_reduce']>('own'),
  order_types: subset,
  allow_short: towards<boolean>(false),
  max_order_qty: amount,
  max_order_value: amount,
  max_daily_value: amount,
  max_daily_orders: count,
  max_daily_loss: amount,
  max_open_orders: count,
  max_gross_exposure: amount,
  trading_hours: hours,
  expires_at: end,
  commit: towards<MandateDocument['commit']>('two_step'),
  approval,
};

/** `session` and hours of the owner's own can not be compared: either may admit what the other does not. */
function hours(asked: TradingHours, now: TradingHours): Comparison {
  if (asked === now) return 'same';
  if (now === 'any') return 'tighter';
  if (typeof asked === 'string' || typeof now === 'string' || asked.timezone !== now.timezone)
    return 'looser';
  return allOf([
    subset(asked.days, now.days),
    towardsLater(asked.from, now.from),
    towardsLater(now.to, asked.to),
  ]);
}
/** Of times of day as `09:30`, which sort as they follow each other. */
const towardsLater = (asked: string, now: string): Comparison =>
  bySign(asked === now ? 0 : asked > now ? -1 : 1);

const allOf = (parts: readonly Comparison[]): Comparison =>
  parts.includes('looser') ? 'looser' : parts.includes('tighter') ? 'tighter' : 'same';

function end(asked: string | null, now: string | null): Comparison {
  if (asked === null || now === null) return asked === now ? 'same' : now === null ? 'tighter' : 'looser';
  return bySign(Date.parse(asked) - Date.parse(now));
}

type Approval = MandateDocument['approval'];

/** never, then above a value, the smaller the tighter, then always. */
function approval(asked: Approval, now: Approval): Comparison {
  if (typeof asked === 'object' && typeof now === 'object') return amount(asked.above, now.above);
  return bySign(strictness(now) - strictness(asked));
}
const strictness = (one: Approval): number => (one === 'never' ? 0 : one === 'always' ? 2 : 1);
