/** Controls about the account's broker: its currency, and what it declares that it takes. Nothing is sent to find out. Pure. */
import { pricedIn } from '#domain/instrument.ts';
import { type FieldError, fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import type { Facts, Proposal } from './facts.ts';

/** Control 3a: no rate is guessed. What reduces is let go, should it ever have come into the books. */
export function currency({ instrument, account, accountCurrency }: Facts): Refusal | undefined {
  const priced = pricedIn(instrument);
  if (priced === accountCurrency) return undefined;
  return refuse(
    'not_tradable',
    `${instrument.symbol} is priced in ${priced} and ${account} is in ${accountCurrency}: an account trades what is priced in its own currency.`,
  );
}

/** Whether a short position can be held there at all. */
export const canBeShort = ({
  accountType,
  broker,
}: {
  readonly accountType: Facts['accountType'];
  readonly broker: Pick<Facts['broker'], 'shortSelling'>;
}): boolean => accountType !== 'cash' && broker.shortSelling;

/** Control 3b: an order that its broker would not know what to do with never leaves. */
export function taken(facts: Facts, proposal: Proposal): Refusal | undefined {
  const refused = changed(facts);
  if (refused !== undefined) return refused;
  const { account, broker } = facts;
  const { type } = proposal.terms;
  if (!broker.orderTypes.includes(type) || (type === 'trailing_stop' && !broker.trailing)) {
    const known = broker.orderTypes.filter((one) => one !== 'trailing_stop' || broker.trailing);
    return refuse(
      'order_type_not_allowed',
      `The broker of ${account} takes ${known.join(', ')} orders, not ${type}.`,
      { errors: [fieldError('type', type, `one of ${known.join(', ')}`)] },
    );
  }
  const errors = notTaken(facts, proposal);
  if (errors.length === 0) return undefined;
  const [first] = errors;
  return refuse(
    'invalid_input',
    `The broker of ${account} does not take this order: ${first?.field} is ${first?.rule}.`,
    { errors },
  );
}

/** Of a smaller quantity too: what it can not change is canceled and placed anew. */
export function changed({ account, broker: { replace: canChange }, changes }: Facts): Refusal | undefined {
  if (changes === undefined || canChange) return undefined;
  return refuse(
    'invalid_input',
    `The broker of ${account} changes no order that works: cancel it and place another one.`,
    { order_id: changes.orderId },
  );
}

function notTaken(
  { broker, changes }: Facts,
  { terms, takeProfit, stopLoss }: Proposal,
): readonly FieldError[] {
  const { timeInForce, product } = terms;
  const flags: readonly (readonly [field: string, asked: boolean, takes: boolean])[] = [
    ['post_only', terms.postOnly, broker.postOnly],
    ['reduce_only', terms.reduceOnly, broker.reduceOnly],
    ['extended_hours', terms.extendedHours, broker.extendedHours],
    // A change tells where the legs are; they are at the broker already.
    ['take_profit', takeProfit !== undefined && changes === undefined, broker.brackets],
    ['stop_loss', stopLoss !== undefined && changes === undefined, broker.brackets],
  ];
  return [
    ...(broker.timesInForce.includes(timeInForce)
      ? []
      : [fieldError('time_in_force', timeInForce, `one of ${broker.timesInForce.join(', ')} there`)]),
    ...flags.flatMap(([field, asked, takes]) =>
      asked && !takes ? [fieldError(field, true, 'not possible there; leave it out')] : [],
    ),
    ...(product === undefined || broker.products.includes(product)
      ? []
      : [fieldError('product', product, productRule(broker.products))]),
  ];
}

const productRule = (products: readonly string[]): string =>
  products.length === 0
    ? 'nothing there: its broker knows no products'
    : `one of ${products.join(', ')} there`;
