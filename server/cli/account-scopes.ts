/** Whose list of instruments each account trades from: known from its settings, whether or not an engine runs. */
import { BROKERS } from '#brokers/index.ts';
import { BUILT_IN_DIRECTORY } from '#domain/instrument.ts';
import { accountId } from '#domain/principal.ts';
import type { AccountRecord, AccountTable } from '#store/accounts.ts';

/** Each list once. A name that is no account's has the built-in one: what it asks for is refused for the name. */
export function scopesOf(accounts: Pick<AccountTable, 'byId'>, names: readonly string[]): readonly string[] {
  const scopes = names.map((name) => {
    const account = accounts.byId(accountId(name));
    return account === undefined ? BUILT_IN_DIRECTORY : scopeOf(account);
  });
  return scopes.length === 0 ? [BUILT_IN_DIRECTORY] : [...new Set(scopes)];
}

function scopeOf(account: AccountRecord): string {
  const broker = BROKERS.find(({ id }) => id === account.broker);
  const settings = broker?.settings.safeParse(account.settings);
  return (settings?.success ? broker?.directory(settings.data, account.mode) : undefined) ?? BUILT_IN_DIRECTORY;
}
