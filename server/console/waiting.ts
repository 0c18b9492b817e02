/** Everything that waits for the owner: what the order line knows of, and remote clients that ask for an approval. */
import type { AccountId } from '#domain/principal.ts';
import type { WaitingItem } from '#trading/owner-desk.ts';
import type { AccountStanding } from './account-desk-views.ts';
import type { ConsoleServices } from './desks.ts';

export type Waits =
  | WaitingItem
  | { readonly kind: 'clients_pending'; readonly clients: number }
  | { readonly kind: 'sign_in_needed'; readonly account: AccountId; readonly text: string }
  | { readonly kind: 'not_connected'; readonly account: AccountId; readonly text: string };

/**
 * However many clients wait, they are one thing: a crowd of them must not bury an order. Where sign-in and consent let them in, none
 * waits.
 */
export function waitsFor({
  trading,
  remote,
  accounts,
}: Pick<ConsoleServices, 'trading' | 'remote' | 'accounts'>): {
  readonly count: number;
  readonly items: readonly Waits[];
} {
  const { count, items } = trading.owner.waiting();
  const clients = remote.state().requireApproval ? remote.clients.pending() : 0;
  const standings = accounts.standings();
  const signIns = new Set(standings.filter(({ signInNeeded }) => signInNeeded).map(({ id }) => id));
  // That it is not connected follows from it.
  const kept = items.filter((item) => item.kind !== 'account_disconnected' || !signIns.has(item.account));
  const more: readonly Waits[] = [
    ...(clients === 0 ? [] : [{ kind: 'clients_pending', clients } as const]),
    ...standings.flatMap(troubleOf),
  ];
  return { count: count - (items.length - kept.length) + more.length, items: [...kept, ...more] };
}

/** What only the owner can end: a sign-in at the broker, and what keeps an account from being connected at all. */
function troubleOf({ id, problem, trouble, signInNeeded }: AccountStanding): readonly Waits[] {
  if (signInNeeded) return [{ kind: 'sign_in_needed', account: id, text: trouble ?? '' }];
  return problem === null ? [] : [{ kind: 'not_connected', account: id, text: problem }];
}
