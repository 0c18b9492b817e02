/** A client that the owner makes: for a program that does not register by itself, approved from the start, its secret shown once. */
import type { AgentId } from '#domain/principal.ts';
import { type FieldError, fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { CLIENT_REDIRECTS_MAX } from '#limits.ts';
import { type Ceiling, ceilingFor, clientName } from './client-choice.ts';
import { hashOfSecret, newClientSecret } from './client-secrets.ts';
import { type NewClientRow, newClientId, scopesText } from './client-table.ts';
import type { ClientMetadata, StaticClient } from './records.ts';
import { checkRedirectUri } from './redirect-uri.ts';

export interface OwnTerms {
  readonly metadata: ClientMetadata;
  readonly ceiling: Ceiling;
}

export function ownTerms(given: StaticClient): Result<OwnTerms, Refusal> {
  const name = clientName(given.name);
  const errors: FieldError[] = [];
  if (name === '') errors.push(fieldError('name', given.name, 'a name that can be read'));
  const uris = [...new Set(given.redirectUris)];
  if (uris.length === 0 || uris.length > CLIENT_REDIRECTS_MAX)
    errors.push(fieldError('redirect_uris', String(uris.length), `1 to ${CLIENT_REDIRECTS_MAX} addresses`));
  for (const uri of uris) {
    const checked = checkRedirectUri(uri);
    if (!checked.ok) errors.push(fieldError('redirect_uris', uri, `must ${checked.error}`));
  }
  if (errors.length > 0)
    return err(refuse('invalid_input', 'The client can not be made so; nothing was changed.', { errors }));
  const ceiling = ceilingFor({ asked_scopes: '' }, given.scopes);
  if (!ceiling.ok) return ceiling;
  const metadata: ClientMetadata = {
    client_name: name,
    redirect_uris: uris,
    token_endpoint_auth_method: given.confidential ? 'client_secret_basic' : 'none',
  };
  return ok({ metadata, ceiling: ceiling.value });
}

/** The secret is nowhere but here: the row has its hash. */
export function newOwnClient(
  { metadata, ceiling }: OwnTerms,
  agent: AgentId,
  nowMs: number,
): { readonly row: NewClientRow; readonly secret: string | null } {
  const secret = metadata.token_endpoint_auth_method === 'none' ? null : newClientSecret();
  const clientId = newClientId();
  const row: NewClientRow = {
    client_id: clientId,
    credential: clientId,
    kind: 'static',
    name: metadata.client_name,
    metadata: JSON.stringify(metadata),
    secret_hash: secret === null ? null : hashOfSecret(secret),
    state: 'approved',
    agent_id: agent,
    asked_scopes: '',
    ceiling: scopesText(ceiling),
    address: '',
    user_agent: '',
    created_at: nowMs,
    decided_at: nowMs,
  };
  return { row, secret };
}
