/** What an account's broker says again and again, and the record is told of once: through restarts, until it changes. */
import type { AccountId } from '#domain/principal.ts';
import type { Line } from './line.ts';

const nameOf = (account: AccountId, what: string): string => `told:${account}:${what}`;

/** Whether this is news: the same was not told of it last. Inside the transaction that tells it. */
export function isNews(line: Line, account: AccountId, what: string, said: string): boolean {
  const name = nameOf(account, what);
  if (line.settings.get(name) === said) return false;
  line.settings.set(name, said);
  return true;
}

/** It holds no more: the next time is news again. Those whose name begins with `prefix` and is not among `still`. */
export function forgetTold(
  line: Line,
  account: AccountId,
  prefix: string,
  still: ReadonlySet<string> = new Set(),
): void {
  const under = nameOf(account, prefix);
  for (const rest of line.settings.under(under).keys())
    if (!still.has(prefix + rest)) line.settings.remove(under + rest);
}
