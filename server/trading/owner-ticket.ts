/** The owner's ticket: the same line as everybody's order, under the owner's own authority. */
import type { OrderDraft } from '#domain/order.ts';
import { OWNER_CONSOLE } from '#domain/principal.ts';
import { fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { IDEMPOTENCY_KEY_LENGTH_MAX } from '#limits.ts';
import { digestOf } from './digest.ts';
import { readFacts } from './facts.ts';
import type { Line } from './line.ts';
import { gatherToAdd } from './margin.ts';
import { describe } from './preview.ts';
import { assess } from './risk.ts';
import { authorise, factsFor, marginOf, proposalOf, submitOrder } from './submit.ts';
import type { OrderRecord, Preview } from './views.ts';

/** What a key of the owner's is bound to beside its draft. */
export type OwnerForm = 'ticket' | 'close';

export async function placeTicket(
  line: Line,
  draft: OrderDraft,
  idempotencyKey: string,
): Promise<Result<OrderRecord, Refusal>> {
  const wrong = wrongKey(idempotencyKey);
  if (wrong !== undefined) return err(wrong);
  const placed = await submitOrder(line, OWNER_CONSOLE, draft, {
    kind: 'commit',
    tool: 'ticket' satisfies OwnerForm,
    digest: digestOf(draft),
    idempotencyKey,
  });
  if (!placed.ok) return placed;
  if (placed.value.dryRun) throw new Error('a ticket that was committed came back as a preview');
  return ok(placed.value.order);
}

/** Assesses a ticket as it would be placed now; nothing is written, not even that it was asked. */
export async function previewTicket(line: Line, draft: OrderDraft): Promise<Result<Preview, Refusal>> {
  const allowed = authorise(line, OWNER_CONSOLE, draft.account);
  if (!allowed.ok) return allowed;
  const outside = await gatherToAdd(line, draft.account, draft.symbol, marginOf(OWNER_CONSOLE, draft));
  if (!outside.ok) return outside;
  const facts = readFacts(line, factsFor(OWNER_CONSOLE, draft), outside.value);
  const proposal = proposalOf(draft, facts);
  if (!proposal.ok) return proposal;
  const verdict = assess(facts, proposal.value);
  if (verdict.kind !== 'cleared') return err(verdict.refusal);
  if (facts.quote === undefined)
    return err(refuse('no_reference_price', 'There is no price to preview with.'));
  return ok(describe({ facts, proposal: proposal.value, verdict, outside: outside.value }));
}

/** What is wrong with a form's key. */
export function wrongKey(key: string): Refusal | undefined {
  if (key === '') return refuse('idempotency_key_required', 'The form has no key; load the page again.');
  if (key.length <= IDEMPOTENCY_KEY_LENGTH_MAX) return undefined;
  return refuse('invalid_input', 'The key of the form is too long.', {
    errors: [fieldError('idempotency_key', key, `at most ${IDEMPOTENCY_KEY_LENGTH_MAX} characters`)],
  });
}
