/** Which names an agent may have, and which accounts it may be given. */
import { type AccountId, accountId, NAME_PATTERN, NAME_RULE } from '#domain/principal.ts';
import { fieldError, type Refusal, refuse } from '#domain/refusal.ts';

/** The agent of the stdio door without a key. */
export const LOCAL_AGENT = 'local';
/** Holders that the books know besides agents, and the stdio door's own. */
const RESERVED_NAMES: readonly string[] = [LOCAL_AGENT, 'external', 'owner'];

export interface AccountBook {
  /** undefined: no such account. */
  currencyOf(id: AccountId): string | undefined;
}

/** Why no agent may have this name; undefined when one may. */
export function refusedName(name: string): Refusal | undefined {
  if (!NAME_PATTERN.test(name)) {
    const suggested = name
      .toLowerCase()
      .replace(/[^a-z0-9_.-]+/g, '-')
      .replace(/^[^a-z0-9]+/, '')
      .slice(0, 40);
    const error = fieldError('name', name, NAME_RULE, NAME_PATTERN.test(suggested) ? suggested : null);
    return refuse('invalid_input', 'The name of an agent is malformed.', { errors: [error] });
  }
  if (!RESERVED_NAMES.includes(name)) return undefined;
  const error = fieldError('name', name, `none of ${RESERVED_NAMES.join(', ')}`);
  return refuse('invalid_input', `The name ${name} is reserved; choose another.`, { errors: [error] });
}

/** Why these accounts can not be given; undefined when they can. */
export function refusedAccounts(names: readonly string[], book: AccountBook): Refusal | undefined {
  const errors = names
    .filter((name) => book.currencyOf(accountId(name)) === undefined)
    .map((name) => fieldError('accounts', name, 'an account of this gateway (see `accounts list`)'));
  return errors.length === 0 ? undefined : refuse('invalid_input', 'An account does not exist.', { errors });
}
