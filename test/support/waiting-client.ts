/** A remote client that has registered by itself and waits, as the books have it. */
import type { Office } from '#cli/office.ts';
import { SCOPES } from '#domain/principal.ts';
import { openRegistration } from '#oauth/registration.ts';

export interface Asks {
  readonly name?: string;
  readonly redirect?: string;
  readonly scope?: string;
  readonly address?: string;
}

let made = 0;
/** Its id. Each from an address of its own, so that nobody's registrations are counted. */
export function waitingClient(office: Office, asks: Asks = {}): string {
  const { name = 'Claude', redirect = 'https://claude.ai/api/mcp/auth_callback', scope } = asks;
  const { address = `198.51.100.${(made++ % 250) + 1}` } = asks;
  const answer = openRegistration({
    ...office,
    scopesEnabled: () => SCOPES,
    issuer: 'https://gate.example.com',
  }).register(
    {
      client_name: name,
      redirect_uris: [redirect],
      token_endpoint_auth_method: 'none',
      ...(scope === undefined ? {} : { scope }),
    },
    { address, userAgent: 'python-httpx/0.27' },
  );
  if (!answer.ok) throw new Error(JSON.stringify(answer.error));
  return answer.value.client_id;
}
