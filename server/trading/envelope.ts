/** The accounts that share one envelope: limits are an agent's, over every account of one currency that it was ever given. */
import type { Mandate } from '#domain/mandate.ts';
import type { AccountId, AgentId } from '#domain/principal.ts';
import type { Line } from './line.ts';

/**
 * Those of its mandate, and those that it no longer names: what was used in them today is used. Otherwise leaving an account out
 * would free what was spent there, and a mandate that was made tighter would let more pass than before.
 */
export function envelopeOf(
  line: Line,
  agent: AgentId,
  { account, mandate }: { readonly account?: AccountId; readonly mandate: Mandate | undefined },
): readonly AccountId[] {
  const named = [...(account === undefined ? [] : [account]), ...(mandate?.accounts ?? [])];
  const [first] = named;
  const currency = first === undefined ? undefined : currencyOf(line, first);
  const given = line.access.agents.accountsOf(agent).filter((one) => currencyOf(line, one) === currency);
  return [...new Set([...named, ...given])];
}

/** Of one that was removed too: its books are kept. */
const currencyOf = (line: Line, account: AccountId): string | undefined =>
  line.adapters.get(account)?.currency ??
  line.prepare<[string], { currency: string }>('SELECT currency FROM accounts WHERE id = ?').get(account)
    ?.currency;
