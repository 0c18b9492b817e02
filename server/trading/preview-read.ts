/** A preview for who may only read: the same gathering and the same controls as for an order, and nothing that could become one. */
import type { OrderDraft } from '#domain/order.ts';
import { OWNER_HOLDER, type Principal } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { BrokerMargin } from '#ports.ts';
import { type Facts, readFacts } from './facts.ts';
import type { Line } from './line.ts';
import { answered, gatherOutside, type Outside } from './outside.ts';
import { describe } from './preview.ts';
import { booksAreReady } from './ready.ts';
import { assess } from './risk.ts';
import { factsFor, proposalOf } from './submit.ts';
import type { Preview } from './views.ts';

export interface ReadPreview extends Preview {
  /** What the broker asks for, where it tells so before an order is placed. */
  readonly margin: BrokerMargin | null;
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
  const outside = await gatherOutside(line, draft.account, draft.symbol);
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
  const asked = { ...proposal.value.terms, instrument: facts.instrument.id };
  const margin = await marginOf(line, outside.value, asked);
  const warnings = [
    ...preview.warnings,
    ...(underMandate ? [] : [NO_MANDATE]),
    ...(margin === 'no answer' ? ['The broker did not say what margin it asks for.'] : []),
  ];
  return ok({ ...preview, warnings, margin: margin === 'no answer' ? null : margin, underMandate });
}

const NO_MANDATE =
  'You have no mandate: this is what the market and the broker say, and an order of yours is refused without one.';

/** As the market and the broker see it: the facts of somebody whom no mandate bounds. They clear nothing that is sent. */
const withoutMandate = (facts: Facts): Facts => ({ ...facts, authority: 'owner', agent: OWNER_HOLDER });

async function marginOf(
  line: Line,
  { adapter }: Outside,
  order: Parameters<NonNullable<Outside['adapter']['margin']>>[0],
): Promise<BrokerMargin | null | 'no answer'> {
  if (!adapter.capabilities.marginPreview || adapter.margin === undefined) return null;
  try {
    return await answered(line, adapter.margin(order), 'a margin');
  } catch {
    return 'no answer';
  }
}
