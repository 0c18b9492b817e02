/** What stands between a request for authorization and its code: the owner's approval of the client, sign-in, and consent, each time. */
import { interactionPolicy } from 'oidc-provider';
import { mayAsk } from './consent-approval.ts';
import type { RemoteClients } from './parts.ts';
import type { RemoteSettings } from './records.ts';

const { base, Check, Prompt } = interactionPolicy;

export interface PromptParts {
  readonly clients: Pick<RemoteClients, 'state'>;
  readonly settings: () => RemoteSettings;
}

export function promptsOf({ clients, settings }: PromptParts): interactionPolicy.Prompt[] {
  const prompts = base();
  const approval = new Prompt(
    { name: 'approval' },
    new Check(
      'not_approved',
      'the owner of this gateway has not approved this client',
      'unauthorized_client',
      ({ oidc }) => !mayAsk(clients.state(oidc.client?.clientId ?? ''), settings()),
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
