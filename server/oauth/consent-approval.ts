/** Where the owner asks for no approval of clients, a consent is one: by who signed in for it, and for scopes that read. */
import type { Owner } from '#domain/principal.ts';
import { refuse } from '#domain/refusal.ts';
import { err } from '#domain/result.ts';
import type { ConsentApproval } from './parts.ts';
import type { ClientDesk, RemoteSettings } from './records.ts';

/** The owner, on the pages of an authorization. */
const OWNER_AT_CONSENT: Owner = { kind: 'owner', credential: 'owner', door: 'http' };

export function consentApproval(
  clients: Pick<ClientDesk, 'find' | 'approve'>,
  settings: () => Pick<RemoteSettings, 'requireApproval'>,
): ConsentApproval {
  return {
    approveByConsent(clientId) {
      // A revoked client comes back by the owner's own act at the console alone.
      const waits = clients.find(clientId)?.state === 'pending';
      if (!waits || settings().requireApproval)
        return err(
          refuse('insufficient_scope', 'The owner has to approve this client first, at /admin/remote-mcp.'),
        );
      return clients.approve({ clientId, by: OWNER_AT_CONSENT });
    },
  };
}
