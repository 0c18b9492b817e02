/** How many requests for authorization may wait for a person, and which makes room: who crowds in holds up others last. */
import { siteOf } from '#access/address.ts';
import { INTERACTIONS_MAX, INTERACTIONS_PER_NETWORK_MAX, INTERACTIONS_PER_SITE_MAX } from '#limits.ts';
import type { RemoteClients } from './parts.ts';
import type { Living, PayloadTable, WaitingRequest } from './payload-table.ts';

export interface CrowdParts {
  readonly table: Pick<PayloadTable, 'requests' | 'isSignedIn' | 'drop'>;
  readonly clients: Pick<RemoteClients, 'state'>;
}

export interface Newcomer extends Living {
  readonly clientId: string | undefined;
  readonly network: string;
}

export interface Crowd {
  /** Nobody has to be known to begin an authorization: one more of this network would be too many. */
  turnsAway(one: Newcomer): boolean;
  /** Inside the transaction that writes one more. */
  makeRoom(one: Newcomer): void;
}

/**
 * Anybody can register a client, and everybody knows the id of a vendor's: those that the owner has approved have a room of their
 * own. There too a stranger can begin, so a room that is full is no wall: the site with most requests gives up its oldest, but
 * never one whose page somebody has signed in on.
 */
export function openCrowd({ table, clients }: CrowdParts): Crowd {
  const roomOf = ({ clientId, ...living }: Newcomer): readonly WaitingRequest[] =>
    table.requests(clientId !== undefined && clients.state(clientId) === 'approved', living);
  const mayLeave = ({ id }: WaitingRequest): boolean => !table.isSignedIn(id);

  return {
    turnsAway(one) {
      const room = roomOf(one);
      const site = siteOf(one.network);
      const ofSite = room.filter(({ network }) => siteOf(network) === site);
      const ofNetwork = ofSite.filter(({ network }) => network === one.network);
      return (
        ofNetwork.length >= INTERACTIONS_PER_NETWORK_MAX ||
        ofSite.length >= INTERACTIONS_PER_SITE_MAX ||
        (room.length >= INTERACTIONS_MAX && !room.some(mayLeave))
      );
    },
    makeRoom(one) {
      let room = roomOf(one);
      while (room.length >= INTERACTIONS_MAX) {
        const leaves = inOrderOfLeaving(room).find(mayLeave);
        if (!leaves) return;
        table.drop('Interaction', leaves.id);
        room = room.filter((other) => other !== leaves);
      }
    },
  };
}

/** The sites with most requests first, and of each the oldest. `room`: the oldest first. */
function inOrderOfLeaving(room: readonly WaitingRequest[]): readonly WaitingRequest[] {
  const bySite = Map.groupBy(room, ({ network }) => siteOf(network));
  return [...bySite.values()].toSorted((one, other) => other.length - one.length).flat();
}
