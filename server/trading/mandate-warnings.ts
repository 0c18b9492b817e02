/** What the owner is told of a mandate that was saved: symbols of it in which nothing can be ordered here, and why. */
import { text, value } from '#domain/decimal.ts';
import { type Instrument, pricedIn } from '#domain/instrument.ts';
import type { Mandate } from '#domain/mandate.ts';
import { type AccountId, accountId } from '#domain/principal.ts';
import { MANDATE_WARNINGS_MAX } from '#limits.ts';
import { feedOf, type Line } from './line.ts';
import { referenceOf } from './valuation.ts';

/** By the feeds and the quotes of now; at most MANDATE_WARNINGS_MAX, and how many there are beyond. */
export function mandateWarnings(line: Line, mandate: Mandate): readonly string[] {
  const warnings = allowed(line, mandate).flatMap((instrument) => warningOf(line, mandate, instrument) ?? []);
  const more = warnings.length - MANDATE_WARNINGS_MAX;
  return more <= 0 ? warnings : [...warnings.slice(0, MANDATE_WARNINGS_MAX), `And ${more} more like these.`];
}

const accountsOf = ({ document }: Mandate): readonly AccountId[] => document.accounts.map(accountId);

/** `*` is what is quoted here. */
function allowed(line: Line, mandate: Mandate): readonly Instrument[] {
  const { instruments, document } = mandate;
  if (instruments !== 'any') return [...instruments].flatMap((id) => line.book.byId(id) ?? []);
  return line.markets
    .among(accountsOf(mandate))
    .instruments()
    .filter(({ assetClass }) => document.asset_classes?.includes(assetClass) ?? true);
}

function warningOf(line: Line, mandate: Mandate, instrument: Instrument): string | undefined {
  const { id, symbol, lot, multiplier } = instrument;
  const carrying = accountsOf(mandate).filter((account) => feedOf(line, account).carries(id));
  const [account] = carrying;
  if (account === undefined) return `${symbol} has no feed here: nothing can be ordered in it.`;
  const { maxOrderQty, maxOrderValue } = mandate;
  if (maxOrderQty.lt(lot))
    return `One lot of ${symbol} is ${text(lot)}, more than max_order_qty ${text(maxOrderQty)}: nothing can be ordered.`;
  // All accounts of a mandate are in one currency.
  const unit = line.adapters.get(account)?.currency;
  if (unit === undefined) return undefined;
  if (unit !== pricedIn(instrument))
    return `${symbol} is priced in ${pricedIn(instrument)}, and ${account} is in ${unit}: nothing can be ordered in it.`;
  const quote = feedOf(line, account).quote(id);
  if (quote === undefined) return undefined;
  const worth = value(referenceOf(quote), lot, multiplier);
  if (worth.lte(maxOrderValue)) return undefined;
  return `One lot of ${symbol} is worth about ${worth.toFixed(2)} ${unit}, more than max_order_value ${text(maxOrderValue)}: nothing can be ordered.`;
}
