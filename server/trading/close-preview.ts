/** What a close would do, in figures: the order it would send, and those that it would cancel first. */
import { absolute, ZERO_QUANTITY } from '#domain/decimal.ts';
import type { Side } from '#domain/order.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import {
  type CloseRequest,
  type Closer,
  closeProposal,
  factsFor,
  inProduct,
  inTheWay,
  moreThanHeld,
  positionFor,
  wholeOf,
} from './closer.ts';
import type { CloseOutcomeView } from './desk.ts';
import { type Facts, readFacts } from './facts.ts';
import type { Line } from './line.ts';
import { gatherOutside } from './outside.ts';
import { describe } from './preview.ts';
import { assess } from './risk.ts';

export async function previewClose(
  line: Line,
  closer: Closer,
  request: CloseRequest,
): Promise<Result<CloseOutcomeView, Refusal>> {
  const outside = await gatherOutside(line, request.account, request.symbol);
  if (!outside.ok) return outside;
  const { instrument } = outside.value;
  return line.store.transaction((): Result<CloseOutcomeView, Refusal> => {
    const position = positionFor(line, closer, request.account, instrument.id);
    if (position.eq('0')) return ok({ dryRun: true, preview: null, wouldCancel: [] });
    const side: Side = position.gt('0') ? 'sell' : 'buy';
    const read = readFacts(line, factsFor(closer, request.account, side), outside.value);
    // After its cancels nothing else would be reducing: all of the position is free.
    const facts: Facts = {
      ...read,
      reducible: absolute(read.ownQty),
      accountReducible: absolute(read.accountQty),
      // No more than is held under its product is what `inProduct` has seen to.
      under: undefined,
      workingSells: ZERO_QUANTITY,
    };
    const named = inProduct(line, closer, request, outside.value);
    if (!named.ok) return named;
    const qty = request.qty ?? wholeOf(line, named.value, outside.value, position);
    const wanted = { ...named.value, qty };
    const proposal = closeProposal(closer, wanted, position, facts.broker);
    const tooMuch = moreThanHeld(line, closer, { request, position, symbol: instrument.symbol });
    if (tooMuch !== undefined) return err(tooMuch);
    const verdict = assess(facts, proposal);
    if (verdict.kind !== 'cleared') return err(verdict.refusal);
    if (facts.quote === undefined)
      return err(refuse('no_reference_price', `There is no price for ${instrument.symbol} to preview with.`));
    return ok({
      dryRun: true,
      preview: describe({ facts, proposal, verdict, outside: outside.value }),
      wouldCancel: inTheWay(
        line,
        closer,
        { account: request.account, instrument: instrument.id },
        request.unknownProduct ? 'unknown' : named.value.product,
      )
        .filter(({ agent }) => agent === closer.agent)
        .map((order) => order.orderId),
    });
  });
}
