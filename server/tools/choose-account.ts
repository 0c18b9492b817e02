/** Which account a call is about: the named one, or the only one the agent has; never a guess. */
import { type AccountId, accountId, type Principal } from '#domain/principal.ts';
import { fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { ToolServices } from './define.ts';

/** Whether the agent may use the named one is decided by the desk. */
export function chooseAccount(
  services: ToolServices,
  principal: Principal,
  named: string | undefined,
): Result<AccountId, Refusal> {
  if (named !== undefined) return ok(accountId(named));
  const accounts = services.access.agents.accountsOf(principal.agent);
  const [only] = accounts;
  if (only === undefined) {
    return err(refuse('account_not_allowed', 'You have been given no account; the owner can assign one.'));
  }
  if (accounts.length === 1) return ok(only);
  return err(
    refuse('invalid_input', `You have several accounts: name one of ${accounts.join(', ')}.`, {
      errors: [fieldError('account', '', `one of ${accounts.join(', ')}`)],
      did_you_mean: accounts,
    }),
  );
}

/**
 * For a tool that found nothing to take back: refused when the account is none of the caller's, because "nothing" would look
 * done. What was found is acted on first, whoever has the account by now.
 */
export function nothingThere(
  services: ToolServices,
  principal: Principal,
  named: string | undefined,
): Refusal | undefined {
  return notYours(services.access.agents.accountsOf(principal.agent), named);
}

/** The refusal of an account that is named and not among these. */
export function notYours(own: readonly AccountId[], named: string | undefined): Refusal | undefined {
  return named === undefined || own.includes(accountId(named))
    ? undefined
    : refuse('account_not_allowed', `The account ${named} is not yours.`, { did_you_mean: [...own] });
}
