/** Everything that waits for the owner: what the order line knows of, and remote clients that ask for an approval. */
import type { WaitingItem } from '#trading/owner-desk.ts';
import type { ConsoleServices } from './desks.ts';

export type Waits = WaitingItem | { readonly kind: 'clients_pending'; readonly clients: number };

/**
 * However many clients wait, they are one thing: a crowd of them must not bury an order. Where sign-in and consent let them in, none
 * waits.
 */
export function waitsFor({ trading, remote }: Pick<ConsoleServices, 'trading' | 'remote'>): {
  readonly count: number;
  readonly items: readonly Waits[];
} {
  const { count, items } = trading.owner.waiting();
  const clients = remote.state().requireApproval ? remote.clients.pending() : 0;
  return clients === 0
    ? { count, items }
    : { count: count + 1, items: [...items, { kind: 'clients_pending', clients }] };
}
