/** Controls about the market: steps, sessions, reference prices, collars, buying power. Pure. */
import {
  absolute,
  add,
  type Price,
  percentOf,
  quotient,
  ratio,
  roundDownTo,
  roundUpTo,
  subtract,
  text,
  value,
} from '#domain/decimal.ts';
import { isOnLot, isOnTick } from '#domain/instrument.ts';
import { type FieldError, fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { COLLAR_PERCENT, QUOTE_AGE_MAX_MS } from '#limits.ts';
import type { Facts, Proposal } from './facts.ts';
import { opposes } from './holdings.ts';
import { farTouch, neededOf, referenceOf, trailingStop, type Valued } from './valuation.ts';

/** Control 3. */
export function tradable(facts: Facts, { terms }: Proposal): Refusal | undefined {
  const { instrument, phase } = facts;
  if (instrument.tradable === 'paper' && facts.accountMode === 'live') {
    return refuse(
      'not_tradable',
      `${instrument.symbol} can be traded on paper only${instrument.note ? `: ${instrument.note}` : ''}.`,
    );
  }
  if (phase === undefined) {
    return refuse('not_tradable', `${instrument.symbol} has no market here: no feed carries it.`);
  }
  if (terms.extendedHours && (terms.type !== 'limit' || terms.timeInForce !== 'day')) {
    return refuse(
      'invalid_input',
      'Outside the session only limit orders with time_in_force day are possible.',
      {
        errors: [fieldError('extended_hours', true, 'only with type limit and time_in_force day', 'false')],
      },
    );
  }
  if (phase.phase !== 'open' && (terms.timeInForce === 'ioc' || terms.timeInForce === 'fok')) {
    return refuse(
      'market_closed',
      `${instrument.symbol} is closed, and ${terms.timeInForce} can not wait for the open; use day or gtc.`,
    );
  }
  return undefined;
}

function priceErrors(facts: Facts, proposal: Proposal): readonly FieldError[] {
  const { terms } = proposal;
  const prices: readonly (readonly [string, Price | undefined])[] = [
    ['limit_price', terms.limitPrice],
    ['stop_price', terms.stopPrice],
    ['trail_price', terms.trail?.kind === 'price' ? terms.trail.distance : undefined],
    ['take_profit', proposal.takeProfit],
    ['stop_loss', proposal.stopLoss],
  ];
  return prices.flatMap(([field, at]) => {
    if (at === undefined || (isOnTick(at, facts.instrument) && at.gt('0'))) return [];
    const down = roundDownTo(at, facts.instrument.tick);
    const nearest =
      down.gt('0') && at.minus(down).lte(roundUpTo(at, facts.instrument.tick).minus(at))
        ? down
        : roundUpTo(at, facts.instrument.tick);
    return [
      fieldError(
        field,
        text(at),
        `a positive multiple of the tick ${text(facts.instrument.tick)}`,
        text(nearest.gt('0') ? nearest : facts.instrument.tick),
      ),
    ];
  });
}

/** Control 4: refused, never rounded. */
export function steps(facts: Facts, proposal: Proposal): Refusal | undefined {
  const refused = stepsOfReduction(facts, proposal);
  if (refused !== undefined) return refused;
  const { minNotional } = facts.instrument;
  const { limitPrice, stopPrice, side } = proposal.terms;
  const own = limitPrice ?? stopPrice ?? (facts.quote ? farTouch(facts.quote, side) : undefined);
  if (minNotional === undefined || own === undefined) return undefined;
  const worth = value(own, proposal.terms.qty, facts.instrument.multiplier);
  if (worth.gte(minNotional)) return undefined;
  return refuse(
    'below_min_notional',
    `An order in ${facts.instrument.symbol} is worth at least ${text(minNotional)} ${facts.instrument.currency}; this one ${text(worth)}.`,
  );
}

export function stepsOfReduction(facts: Facts, proposal: Proposal): Refusal | undefined {
  const errors = priceErrors(facts, proposal);
  if (errors.length > 0) {
    return refuse(
      'off_tick',
      `Prices of ${facts.instrument.symbol} are multiples of ${text(facts.instrument.tick)}; they are refused, never rounded.`,
      { errors },
    );
  }
  const { qty } = proposal.terms;
  if (qty.gt('0') && isOnLot(qty, facts.instrument)) return undefined;
  const down = roundDownTo(qty, facts.instrument.lot);
  return refuse(
    'off_lot',
    `Quantities of ${facts.instrument.symbol} are positive multiples of ${text(facts.instrument.lot)}.`,
    {
      errors: [
        fieldError(
          'qty',
          text(qty),
          `a positive multiple of ${text(facts.instrument.lot)}`,
          text(down.gt('0') ? down : facts.instrument.lot),
        ),
      ],
    },
  );
}

/** Control 5: without a fresh price nothing can be judged, so nothing passes. */
export function reference(facts: Facts): Refusal | undefined {
  const { quote, quoteAgeMs, instrument } = facts;
  if (quote === undefined || quoteAgeMs === null) {
    return refuse(
      'no_reference_price',
      `There is no price for ${instrument.symbol}; nothing can be judged without one.`,
    );
  }
  if (referenceOf(quote).lte('0') || quote.bid.lte('0') || quote.ask.lt(quote.bid)) {
    return refuse(
      'no_reference_price',
      `The quote of ${instrument.symbol} is not usable (${text(quote.bid)} / ${text(quote.ask)}).`,
    );
  }
  // A quote from the future is one that the wall clock was set back behind: its age is not known either.
  if (Math.abs(quoteAgeMs) > QUOTE_AGE_MAX_MS) {
    return refuse(
      'stale_price',
      `The last quote of ${instrument.symbol} is ${Math.round(quoteAgeMs / 1000)} s old; at most ${QUOTE_AGE_MAX_MS / 1000} s. Wait for a fresh one.`,
    );
  }
  return undefined;
}

export function canValue(facts: Facts, _proposal: Proposal, valued: Valued): Refusal | undefined {
  if (facts.fxRate !== undefined && valued.value.gt('0')) return undefined;
  return refuse(
    'cannot_value',
    `There is no fresh rate from ${facts.instrument.currency} to ${facts.accountCurrency}; the order can not be valued.`,
  );
}

/** Control 6: every price of an order within so many percent of the reference, market orders by the touch they would meet. */
export function collar(facts: Facts, { terms }: Proposal): Refusal | undefined {
  if (facts.quote === undefined) return undefined;
  const percent = COLLAR_PERCENT[facts.instrument.assetClass];
  const centre = referenceOf(facts.quote);
  const width = percentOf(centre, ratio(percent));
  const checked: readonly (readonly [string, Price | undefined])[] = [
    ['limit_price', terms.limitPrice],
    ['stop_price', terms.stopPrice],
    ['trail', trailingStop(terms, facts.quote)],
    ['touch', terms.type === 'market' ? farTouch(facts.quote, terms.side) : undefined],
  ];
  for (const [field, at] of checked) {
    if (at === undefined || absolute(subtract(at, centre)).lte(width)) continue;
    const above = at.gt(centre);
    const nearest = above
      ? roundDownTo(add(centre, width), facts.instrument.tick)
      : roundUpTo(subtract(centre, width), facts.instrument.tick);
    const off = Math.round(quotient(absolute(subtract(at, centre)), centre) * 10_000) / 100;
    return refuse(
      'price_collar',
      `${text(at)} is ${off} % ${above ? 'above' : 'below'} the reference ${text(centre)}; at most ${percent} % is allowed.`,
      {
        errors: [
          fieldError(
            field,
            text(at),
            `within ${percent} % of ${text(centre)}`,
            field === 'touch' || field === 'trail' ? null : text(nearest),
          ),
        ],
      },
    );
  }
  return undefined;
}

/** A bracket around the entry: a buy's target is above and its stop below, a sell's the other way. */
export function bracket(facts: Facts, proposal: Proposal): Refusal | undefined {
  const { takeProfit, stopLoss, terms } = proposal;
  if (takeProfit === undefined && stopLoss === undefined) return undefined;
  // The legs of an entry that reduces would open again what it closes, and count as reducing while they do.
  if (facts.changes === undefined && opposes(terms.side, facts.ownQty)) {
    return refuse(
      'invalid_input',
      `take_profit and stop_loss protect what an order opens; this ${terms.side} would first reduce your position of ${text(facts.ownQty)}.`,
      {
        errors: [
          fieldError(
            takeProfit ? 'take_profit' : 'stop_loss',
            text(takeProfit ?? stopLoss ?? facts.ownQty),
            'only with an order that opens or adds',
          ),
        ],
      },
    );
  }
  const entry =
    terms.limitPrice ?? terms.stopPrice ?? (facts.quote ? farTouch(facts.quote, terms.side) : undefined);
  const long = terms.side === 'buy';
  const errors: FieldError[] = [];
  if (entry !== undefined && takeProfit && (long ? takeProfit.lte(entry) : takeProfit.gte(entry))) {
    errors.push(
      fieldError('take_profit', text(takeProfit), `${long ? 'above' : 'below'} the entry ${text(entry)}`),
    );
  }
  if (entry !== undefined && stopLoss && (long ? stopLoss.gte(entry) : stopLoss.lte(entry))) {
    errors.push(
      fieldError('stop_loss', text(stopLoss), `${long ? 'below' : 'above'} the entry ${text(entry)}`),
    );
  }
  if (errors.length === 0) return undefined;
  return refuse(
    'invalid_input',
    `The bracket of a ${terms.side} closes with a profit ${long ? 'above' : 'below'} and a loss on the other side.`,
    { errors },
  );
}

/** Control 16. The broker has the last word; this stops what it would reject. */
export function buyingPower(facts: Facts, proposal: Proposal, valued: Valued): Refusal | undefined {
  const { amount, free, told } = neededOf(facts, proposal, valued);
  const available = add(facts.buyingPower, free);
  if (amount.lte(available)) return undefined;
  const margin = told ? ' of margin at its broker' : '';
  return refuse(
    'buying_power',
    `The order needs ${text(amount)} ${facts.accountCurrency}${margin}, and ${text(available)} is left.`,
    {
      limits: [
        {
          limit: 'buying_power',
          used: '0',
          order: text(amount),
          max: text(available),
          unit: facts.accountCurrency,
        },
      ],
    },
  );
}
