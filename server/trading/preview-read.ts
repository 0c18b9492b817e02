/** A preview for who may only read: the same gathering and the same controls as for an order, and nothing that could become one. */
import type { OrderDraft } from '#domain/order.ts';
import { OWNER_HOLDER, type Principal } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { type Facts, readFacts } from './facts.ts';
import type { Line } from './line.ts';
import { gatherToAdd } from './margin.ts';
import { describe } from './preview.ts';
import { booksAreReady } from './ready.ts';
import { assess } from './risk.ts';
import { factsFor, marginOf, proposalOf } from './submit.ts';
import type { Preview } from './views.ts';

export interface ReadPreview extends Preview {
  /** Whether what the mandate says was looked at; without one it is the market and the broker alone. */
  readonly underMandate: boolean;
}

/** Nothing is reserved, no token is made, no row is written. The refusal is what the order would meet. */
export async function previewForReader(
  line: Line,
  who: Principal,
  draft: OrderDraft,
): Promise<Result<ReadPreview, Refusal>> {
  const own = line.access.agents.accountsOf(who.agent);
  if (!own.includes(draft.account))
    return err(
      refuse('account_not_allowed', `The account ${draft.account} is not yours.`, { did_you_mean: [...own] }),
    );
  const ready = booksAreReady(line, draft.account);
  if (!ready.ok) return ready;
  const outside = await gatherToAdd(line, draft.account, draft.symbol, marginOf(who, draft));
  if (!outside.ok) return outside;
  const facts = readFacts(line, factsFor(who, draft), outside.value);
  const underMandate = facts.mandate !== undefined;
  const proposal = proposalOf(draft, facts);
  if (!proposal.ok) return proposal;
  const verdict = assess(underMandate ? facts : withoutMandate(facts), proposal.value);
  if (verdict.kind === 'refused') return err(verdict.refusal);
  if (facts.quote === undefined)
    return err(refuse('no_reference_price', 'There is no price to preview with.'));
  const preview = describe({ facts, proposal: proposal.value, verdict, outside: outside.value });
  const warnings = [...preview.warnings, ...(underMandate ? [] : [NO_MANDATE])];
  return ok({ ...preview, warnings, underMandate });
}

const NO_MANDATE =
  'You have no mandate: this is what the market and the broker say, and an order of yours is refused without one.';

/** As the market and the broker see it: the facts of somebody whom no mandate bounds. They clear nothing that is sent. */
const withoutMandate = (facts: Facts): Facts => ({ ...facts, authority: 'owner', agent: OWNER_HOLDER });
