/** Whose list of instruments each account trades from: known from its settings, whether or not an engine runs. */
import { paperMarketOf } from '#brokers/paper/settings.ts';
import { BUILT_IN_DIRECTORY } from '#domain/instrument.ts';
import { accountId } from '#domain/principal.ts';
import type { AccountRecord } from '#store/accounts.ts';
import type { Office } from './office.ts';

type Books = Pick<Office, 'brokers'> & { readonly accounts: Pick<Office['accounts'], 'byId'> };

/** Each list once. A name that is no account's has the built-in one: what it asks for is refused for the name. */
export function scopesOf(books: Books, names: readonly string[]): readonly string[] {
  const scopes = names.map((name) => {
    const account = books.accounts.byId(accountId(name));
    return account === undefined ? BUILT_IN_DIRECTORY : scopeOf(books, account);
  });
  return scopes.length === 0 ? [BUILT_IN_DIRECTORY] : [...new Set(scopes)];
}

export function scopeOf(books: Books, account: Pick<AccountRecord, 'broker' | 'mode' | 'settings'>): string {
  const paper = account.broker === 'paper' ? paperMarketOf(account.settings) : undefined;
  if (paper?.kind === 'live') {
    const source = books.accounts.byId(accountId(paper.account));
    // One paper account does not lead to another, so that there is no circle.
    return source === undefined || source.broker === 'paper' ? BUILT_IN_DIRECTORY : scopeOf(books, source);
  }
  const broker = books.brokers.find(({ id }) => id === account.broker);
  const settings = broker?.settings.safeParse(account.settings);
  return (
    (settings?.success ? broker?.directory(settings.data, account.mode) : undefined) ?? BUILT_IN_DIRECTORY
  );
}
