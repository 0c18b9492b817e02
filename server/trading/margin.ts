/** The question what an order needs, to brokers that tell so beforehand: asked together with what else is asked before the decision. */
import { absolute, max, quantity, subtract, ZERO_MONEY } from '#domain/decimal.ts';
import type { Instrument, InstrumentId } from '#domain/instrument.ts';
import type { OrderTerms } from '#domain/order.ts';
import type { AccountId, AgentId } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import { ok, type Result } from '#domain/result.ts';
import { MARGIN_WAIT_MS } from '#limits.ts';
import type { BrokerMargin, Quote } from '#ports.ts';
import { ACCOUNT_HOLDER, opposes } from './holdings.ts';
import { feedOf, type Line, resolveFor } from './line.ts';
import type { StoredOrder } from './order-rows.ts';
import { gatherOutside, type Outside, type ToldMargin, within } from './outside.ts';

/** Whose order it would be, and its terms; undefined where they are not known yet, or only take away. */
export interface MarginQuestion {
  readonly agent: AgentId;
  terms(known: {
    readonly instrument: Instrument;
    readonly quote: Quote | undefined;
  }): OrderTerms | undefined;
  /** The order that would be changed: what it takes already comes free. */
  readonly changes?: StoredOrder;
}

type OrderAsked = OrderTerms & { readonly instrument: InstrumentId };
type Asking = (order: OrderAsked) => Promise<BrokerMargin>;

/**
 * As `gatherOutside`, with the broker's word on what the order needs. A size that was given as a value is known with the quote, so that
 * question waits for it. What the position covers is not asked about: no question stands before an order that reduces.
 */
export async function gatherToAdd(
  line: Line,
  account: AccountId,
  symbol: string,
  question: MarginQuestion,
): Promise<Result<Outside, Refusal>> {
  let margin: Outside['margin'];
  const outside = await gatherOutside(line, account, symbol, async (fresh) => {
    margin = await toldFor(line, account, symbol, question);
    if (margin !== undefined) return;
    await fresh;
    margin = await toldFor(line, account, symbol, question);
  });
  if (!outside.ok || margin === undefined) return outside;
  return ok({ ...outside.value, margin });
}

/** undefined: nothing was asked. Never rejects. */
async function toldFor(
  line: Line,
  account: AccountId,
  symbol: string,
  question: MarginQuestion,
): Promise<ToldMargin | 'no answer' | undefined> {
  const adapter = line.adapters.get(account);
  const asking = adapter?.margin?.bind(adapter);
  if (adapter?.capabilities.marginPreview !== true || asking === undefined) return undefined;
  if (!adapter.connected()) return undefined;
  const found = resolveFor(line, account, symbol);
  if (!found.ok) return undefined;
  const instrument = found.value;
  const terms = question.terms({ instrument, quote: feedOf(line, account).quote(instrument.id) });
  if (terms === undefined || mayReduce(line, { ...question, account, instrument }, terms)) return undefined;
  const { changes } = question;
  const filled = changes?.filledQty ?? quantity('0');
  const qty = subtract(terms.qty, filled);
  const [whole, held] = await Promise.all([
    tell(line, asking, { ...terms, qty, instrument: instrument.id }),
    changes && tell(line, asking, { ...changes, qty: subtract(changes.qty, filled) }),
  ]);
  if (whole === undefined || (changes !== undefined && held === undefined)) return 'no answer';
  return { ...whole, qty, held: held?.required ?? ZERO_MONEY };
}

/** What the order's own position covers, or the account's where its mandate reaches that. */
function mayReduce(
  line: Line,
  about: Pick<MarginQuestion, 'agent'> & { readonly account: AccountId; readonly instrument: Instrument },
  { side, qty }: OrderTerms,
): boolean {
  const { agent, account, instrument } = about;
  const reachesAccount = line.access.mandates.current(agent)?.document.may_reduce === 'account';
  return (reachesAccount ? [agent, ACCOUNT_HOLDER] : [agent]).some((holder) => {
    const held = line.holdings.of(holder, account, instrument.id).qty;
    return opposes(side, held) && qty.lte(absolute(held));
  });
}

/** No order needs less than nothing, whatever a broker nets it against. */
async function tell(
  line: Line,
  asking: Asking,
  { instrument, side, type, qty, timeInForce, postOnly, reduceOnly, extendedHours, ...more }: OrderAsked,
): Promise<BrokerMargin | undefined> {
  const { limitPrice, stopPrice, trail, product } = more;
  const asked: OrderAsked = {
    instrument,
    side,
    type,
    qty,
    timeInForce,
    postOnly,
    reduceOnly,
    extendedHours,
    ...(limitPrice ? { limitPrice } : {}),
    ...(stopPrice ? { stopPrice } : {}),
    ...(trail ? { trail } : {}),
    ...(product ? { product } : {}),
  };
  try {
    const told = await within(line, asking(asked), MARGIN_WAIT_MS);
    return told && { ...told, required: max(told.required, ZERO_MONEY) };
  } catch {
    return undefined;
  }
}
