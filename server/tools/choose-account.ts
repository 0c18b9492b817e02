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
