/** Fees that a broker takes in the coin itself: a little less is there than was bought, and it is the holders' who have it. */
import {
  absolute,
  isZero,
  min,
  negate,
  type Price,
  percentOf,
  proportion,
  type Quantity,
  ratio,
  roundUpTo,
  subtract,
  text,
  value,
  ZERO_QUANTITY,
} from '#domain/decimal.ts';
import type { Instrument } from '#domain/instrument.ts';
import type { AccountId } from '#domain/principal.ts';
import { IN_KIND_FEE_MAX_PERCENT, IN_KIND_FEE_TAKEN_WITHIN_MS } from '#limits.ts';
import { ACCOUNT_HOLDER, EXTERNAL_HOLDER } from './holdings.ts';
import { feedOf, type Line } from './line.ts';
import { postPart } from './unplaced.ts';

interface Apart {
  readonly account: AccountId;
  readonly instrument: Instrument;
  /** Theirs less ours. */
  readonly gap: Quantity;
}

/** So little of a coin that a fee explains it, by either sign. */
function isFeeSized(line: Line, { account, instrument, gap }: Apart): boolean {
  if (instrument.assetClass !== 'crypto') return false;
  const ours = line.holdings.of(ACCOUNT_HOLDER, account, instrument.id).qty;
  return ours.gt('0') && absolute(gap).lte(percentOf(ours, ratio(IN_KIND_FEE_MAX_PERCENT)).toFixed());
}

/**
 * The broker still has a little more than the books: a fee that was counted with its trade and is taken at the end of the day
 * (Alpaca). It stays apart until then, and nobody can sell it.
 */
export function isFeeToCome(line: Line, apart: Apart): boolean {
  if (apart.gap.lte('0') || !isFeeSized(line, apart)) return false;
  const lastMs = line
    .prepare<[string, string], number | null>(
      "SELECT max(posted_at) FROM executions WHERE account_id = ? AND instrument_id = ? AND side = 'buy'",
    )
    .pluck()
    .get(apart.account, apart.instrument.id);
  return typeof lastMs === 'number' && line.wallMs() - lastMs < IN_KIND_FEE_TAKEN_WITHIN_MS;
}

/**
 * The broker has a little less than the books: each holder is charged its part of it, as a sale whose whole worth is its fee, so that
 * cash stays what it was and what is left can be sold. False: it is no fee, or what was adopted from elsewhere covers it.
 */
export function chargeInKind(line: Line, apart: Apart & { readonly at: Price }): boolean {
  const { account, instrument, gap, at } = apart;
  if (gap.gte('0') || !isFeeSized(line, apart)) return false;
  const elsewhere = line.holdings.of(EXTERNAL_HOLDER, account, instrument.id).qty;
  if (elsewhere.gte(absolute(gap))) return false;
  const holders = line.holdings.holdersOf(account, instrument.id).filter(({ qty }) => qty.gt('0'));
  const all = holders.reduce((so, { qty }) => so.plus(qty) as Quantity, ZERO_QUANTITY);
  const ref = `fee_in_kind:${instrument.id}:${line.wallMs()}`;
  let left = absolute(gap);
  for (const { holder, qty: held } of holders) {
    const part = min(left, roundUpTo(proportion(absolute(gap), held, all), instrument.lot));
    if (isZero(part)) continue;
    left = subtract(left, part);
    postPart(
      line,
      {
        executionId: `${ref}:${holder}`,
        brokerOrderId: `${ref}:${holder}`,
        brokerClientId: null,
        instrument: instrument.id,
        side: 'sell',
        qty: part,
        price: at,
        fee: value(at, part, instrument.multiplier),
        timeMs: feedOf(line, account).nowMs(),
      },
      { holder, account, reason: 'Taken by the broker as a fee, in the coin itself.' },
    );
  }
  line.audit.record({
    kind: 'ledger.charged_in_kind',
    account,
    outcome: 'ok',
    detail: { instrument: instrument.id, qty: text(negate(gap)), price: text(at), holders: holders.length },
  });
  return true;
}
