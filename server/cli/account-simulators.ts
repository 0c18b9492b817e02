/** Simulators on this machine: what one lists must never be what an account at the broker itself trades by, nor the reverse. */
import { paperMarketOf } from '#brokers/paper/settings.ts';
import { BUILT_IN_DIRECTORY } from '#domain/instrument.ts';
import { emptyDirectory } from '#market/directory-refresh.ts';
import type { AccountRecord } from '#store/accounts.ts';
import { scopeOf } from './account-scopes.ts';
import type { Office } from './office.ts';

type Listed = Pick<AccountRecord, 'broker' | 'mode' | 'settings'>;

/** Where its list is read from; empty: from the broker itself. */
function simulatorOf({ brokers }: Pick<Office, 'brokers'>, { broker, settings }: Listed): string {
  const read = brokers.find(({ id }) => id === broker)?.settings.safeParse(settings);
  const { endpoints } = (read?.success ? read.data : {}) as { readonly endpoints?: unknown };
  return endpoints === undefined ? '' : JSON.stringify(endpoints);
}

/** Those whose broker is what writes a list: one on another account's prices follows that account. */
const onList = (office: Office, list: string): readonly AccountRecord[] =>
  office.accounts
    .list()
    .filter((one) => paperMarketOf(one.settings).kind !== 'live' && scopeOf(office, one) === list);

/**
 * Accounts on one list of instruments must have it from one place: ticks and symbols of a simulator would be rounded and traded by
 * with real money. A sentence, or undefined.
 */
export function whyNotBeside(office: Office, account: Listed): string | undefined {
  const list = scopeOf(office, account);
  if (list === BUILT_IN_DIRECTORY || paperMarketOf(account.settings).kind === 'live') return undefined;
  const from = simulatorOf(office, account);
  const other = onList(office, list).find((one) => simulatorOf(office, one) !== from);
  if (other === undefined) return undefined;
  const place = (simulator: string): string =>
    simulator === '' ? 'the broker itself' : 'an address on this machine';
  const both = simulatorOf(office, other) === '' || from === '' ? '' : ', another one';
  return `The account was not added: ${other.id} has the list of instruments ${list} from ${place(simulatorOf(office, other))}, and this one would have it from ${place(from)}${both}. Remove ${other.id} first, or use another data folder.`;
}

/** Inside the transaction that removes it: the list that is to be emptied after, because a simulator wrote it and nobody is left on it. */
export function listLeftBy(office: Office, account: Listed): string | undefined {
  const list = scopeOf(office, account);
  if (simulatorOf(office, account) === '' || onList(office, list).length > 0) return undefined;
  office.listings.forget(list);
  return list;
}

/** Before a list has its first account: what a simulator left on it, where a stop came between its removal and the emptying. */
export async function emptyLeftovers(office: Office, account: Listed): Promise<void> {
  const list = scopeOf(office, account);
  if (list === BUILT_IN_DIRECTORY || office.listings.state(list) !== undefined) return;
  if (onList(office, list).length === 0) await emptyList(office, list);
}

export async function emptyList({ store, listings, listed, clock }: Office, list: string): Promise<void> {
  await emptyDirectory({ store, table: listings, clock, turn, changed: () => listed.changed() }, list);
}

/** Everything that waits goes first. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
