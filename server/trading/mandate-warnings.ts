/** What the owner is told of a mandate that was saved: symbols of it in which nothing can be ordered here, and why. */
import { scale, text, value } from '#domain/decimal.ts';
import type { Instrument } from '#domain/instrument.ts';
import type { Mandate } from '#domain/mandate.ts';
import { accountId } from '#domain/principal.ts';
import { MANDATE_WARNINGS_MAX } from '#limits.ts';
import { fxRate } from './exposure.ts';
import type { Line } from './line.ts';
import { referenceOf } from './valuation.ts';

/** By the feed and the quotes of now; at most MANDATE_WARNINGS_MAX, and how many there are beyond. */
export function mandateWarnings(line: Line, mandate: Mandate): readonly string[] {
  const warnings = allowed(line, mandate).flatMap((instrument) => warningOf(line, mandate, instrument) ?? []);
  const more = warnings.length - MANDATE_WARNINGS_MAX;
  return more <= 0 ? warnings : [...warnings.slice(0, MANDATE_WARNINGS_MAX), `And ${more} more like these.`];
}

/** `*` is what is carried here. */
function allowed(line: Line, { instruments, document }: Mandate): readonly Instrument[] {
  if (instruments !== 'any') return [...instruments].flatMap((id) => line.book.byId(id) ?? []);
  return line.feed
    .instruments()
    .filter(({ assetClass }) => document.asset_classes?.includes(assetClass) ?? true);
}

function warningOf(line: Line, mandate: Mandate, instrument: Instrument): string | undefined {
  const { id, symbol, lot, multiplier, currency } = instrument;
  if (line.feed.phase(id) === undefined) return `${symbol} has no feed here: nothing can be ordered in it.`;
  const { maxOrderQty, maxOrderValue, document } = mandate;
  if (maxOrderQty.lt(lot))
    return `One lot of ${symbol} is ${text(lot)}, more than max_order_qty ${text(maxOrderQty)}: nothing can be ordered.`;
  const [first = ''] = document.accounts;
  const unit = line.adapters.get(accountId(first))?.currency;
  const rate = unit === undefined ? undefined : fxRate(line, currency, unit);
  const quote = line.feed.quote(id);
  if (unit === undefined || rate === undefined || quote === undefined) return undefined;
  const worth = scale(value(referenceOf(quote), lot, multiplier), rate);
  if (worth.lte(maxOrderValue)) return undefined;
  return `One lot of ${symbol} is worth about ${worth.toFixed(2)} ${unit}, more than max_order_value ${text(maxOrderValue)}: nothing can be ordered.`;
}
