/** What stands between a request for authorization and its code: the owner's approval of the client, sign-in, and consent, each time. */
import { interactionPolicy } from 'oidc-provider';
import type { RemoteClients } from './parts.ts';
import type { RemoteSettings } from './records.ts';

const { base, Check, Prompt } = interactionPolicy;

export interface PromptParts {
  readonly clients: Pick<RemoteClients, 'state'>;
  readonly settings: () => RemoteSettings;
}

/** Whether the pages of sign-in and consent are for this client. */
export function mayAsk({ clients, settings }: PromptParts, clientId: string): boolean {
  const state = clients.state(clientId);
  // Where the owner asks for no approval, the consent is one; nobody consents for a client that was revoked.
  return state === 'approved' || (state === 'pending' && !settings().requireApproval);
}

export function promptsOf(parts: PromptParts): interactionPolicy.Prompt[] {
  const prompts = base();
  const approval = new Prompt(
    { name: 'approval' },
    new Check(
      'not_approved',
      'the owner of this gateway has not approved this client',
      'unauthorized_client',
      ({ oidc }) => !mayAsk(parts, oidc.client?.clientId ?? ''),
    ),
  );
  prompts.add(approval, 0);
  // A cookie of an earlier sign-in is no sign-in: whoever finds the browser open must not be able to connect a client.
  prompts
    .get('login')
    ?.checks.add(
      new Check('fresh_login', 'sign-in is required', 'login_required', ({ oidc }) => !oidc.result?.login),
    );
  // And no consent is good for a second request: each makes a grant of its own.
  prompts
    .get('consent')
    ?.checks.add(
      new Check(
        'always_consent',
        'consent is required',
        'consent_required',
        ({ oidc }) => !oidc.result?.consent,
      ),
    );
  return [...prompts];
}
