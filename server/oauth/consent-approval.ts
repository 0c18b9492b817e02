/** Where the owner asks for no approval of clients, a consent is one: by who signed in for it, and for scopes that read. */
import { OWNER_AT_CONSENT } from '#domain/principal.ts';
import { refuse } from '#domain/refusal.ts';
import { err } from '#domain/result.ts';
import type { ConsentApproval } from './parts.ts';
import type { ClientDesk, ClientState, RemoteSettings } from './records.ts';

type Asking = Pick<RemoteSettings, 'requireApproval'>;

/** Of a client that waits. A revoked one comes back by the owner's own act at the console alone. */
const isApprovedByConsent = (state: ClientState | undefined, { requireApproval }: Asking): boolean =>
  state === 'pending' && !requireApproval;

/** Whether the pages of sign-in and consent are for a client that stands so. */
export const mayAsk = (state: ClientState | undefined, settings: Asking): boolean =>
  state === 'approved' || isApprovedByConsent(state, settings);

export function consentApproval(
  clients: Pick<ClientDesk, 'find' | 'approve'>,
  settings: () => Asking,
): ConsentApproval {
  return {
    approveByConsent(clientId) {
      if (!isApprovedByConsent(clients.find(clientId)?.state, settings()))
        return err(
          refuse('insufficient_scope', 'The owner has to approve this client first, at /admin/remote-mcp.'),
        );
      return clients.approve({ clientId, by: OWNER_AT_CONSENT });
    },
  };
}
