/** Room for one more approved client: where there is none, one that nobody has been connected as for long goes, or it is refused. */
import type { Access } from '#access/access.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { CLIENT_UNCONNECTED_MS, CLIENTS_APPROVED_LATEST_KEPT, CLIENTS_APPROVED_MAX } from '#limits.ts';
import type { ClientTable } from './client-table.ts';
import type { KnownClients } from './known-clients.ts';

interface RoomParts {
  readonly table: Pick<ClientTable, 'count' | 'unconnectedSince'>;
  readonly known: Pick<KnownClients, 'expire'>;
  readonly access: Pick<Access, 'wall'>;
}

/**
 * Takes nothing yet: what is given makes the room, when nothing else stands in the way of the approval. Hosts that register anew at
 * each connect leave a client behind each time, and would be let in no more where consent approves.
 */
export function approvedRoom({ table, known, access }: RoomParts): Result<() => void, Refusal> {
  if (table.count('approved') < CLIENTS_APPROVED_MAX) return ok(() => undefined);
  const left = table.unconnectedSince(access.wall() - CLIENT_UNCONNECTED_MS, CLIENTS_APPROVED_LATEST_KEPT);
  return left ? ok(() => known.expire(left, 'made_room')) : err(tooManyApproved());
}

const tooManyApproved = (): Refusal =>
  refuse(
    'invalid_input',
    `${CLIENTS_APPROVED_MAX} clients are approved already, the most there may be; revoke or remove one first.`,
  );
