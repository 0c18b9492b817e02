/** Who is told of what the library answers: the record, how far a connection came, and the log when something broke. */
import type { EventEmitter } from 'node:events';
import type Provider from 'oidc-provider';
import type { AuditLog } from '#audit/log.ts';
import type { Store } from '#store/open.ts';
import type { Exchange } from './exchange.ts';
import type { GrantLedger, RemoteClients } from './parts.ts';
import type { Context } from './provider.ts';
import type { ConnectionLog, ConnectionStep, GrantEnding } from './records.ts';
import type { ToldOfEach } from './told-per-hour.ts';

export interface TellingParts {
  readonly audit: Pick<AuditLog, 'record'>;
  /** What was refused, told by the client that it was refused to. */
  readonly refusals: Pick<ToldOfEach, 'tell'>;
  readonly connections: Pick<ConnectionLog, 'note'>;
  readonly clients: Pick<RemoteClients, 'credential' | 'state' | 'used'>;
  readonly current: () => Exchange;
  readonly onFault: (cause: unknown) => void;
}

export function tellOfAnswers(provider: Provider, parts: TellingParts): void {
  const { clients, current, onFault } = parts;
  const note = (ctx: Context, step: ConnectionStep, outcome: string): void => {
    const { client } = ctx.oidc;
    const from = client ? { clientId: client.clientId } : { address: current().sender.address };
    parts.connections.note(step, from, outcome);
  };
  const stepOf = (): ConnectionStep => (current().grantType === 'refresh_token' ? 'refresh' : 'token');

  provider.on('interaction.started', (ctx, prompt) => {
    // First: a vendor's client is one of ours from its first use on, and what it reaches is noted under its id.
    // One that is approved is used by who has a grant: anybody can begin in its name.
    const { clientId } = ctx.oidc.client ?? {};
    if (clientId !== undefined && clients.state(clientId) !== 'approved')
      clients.used(clientId, current().sender);
    note(ctx, 'authorize', 'ok');
    note(ctx, 'approval', prompt.name === 'approval' ? 'waiting' : 'ok');
  });
  provider.on('authorization.error', (ctx, error) => {
    note(ctx, 'authorize', error.error);
    refused(ctx, error, parts);
  });
  provider.on('grant.success', (ctx) => {
    note(ctx, stepOf(), 'ok');
    if (ctx.oidc.client) clients.used(ctx.oidc.client.clientId);
  });
  provider.on('grant.error', (ctx, error) => {
    note(ctx, stepOf(), error.error);
    refused(ctx, error, parts);
  });
  provider.on('revocation.error', (ctx, error) => refused(ctx, error, parts));
  provider.on('server_error', (_ctx, cause) => onFault(cause));
  // Koa would print it otherwise, with whatever stands in it.
  const koa: EventEmitter = provider;
  koa.on('error', (cause: unknown) => onFault(cause));
}

/** The code of the error and the library's own words for it, which quote nothing of a request. */
function refused(
  ctx: Context,
  error: {
    readonly error: string;
    readonly error_detail?: string | undefined;
    readonly error_description?: string | undefined;
  },
  { refusals, clients, current }: TellingParts,
): void {
  const clientId = ctx.oidc.client?.clientId;
  const credential = clientId === undefined ? undefined : clients.credential(clientId);
  refusals.tell(credential ?? '', {
    kind: 'oauth.refused',
    ...(credential === undefined ? {} : { credential }),
    door: 'http',
    outcome: 'refused',
    detail: {
      reason: error.error,
      endpoint: current().endpoint,
      why: error.error_detail ?? error.error_description ?? error.error,
      address: current().network,
    },
  });
}

/**
 * Ends a grant as the library wants it. When somebody has presented what had been used up (the client twice, or who took it from
 * the client) that is on the record by itself, in the same commit.
 */
export function endAudited(
  grantId: string,
  o: Pick<TellingParts, 'audit' | 'clients' | 'current'> & {
    readonly store: Store;
    readonly grants: Pick<GrantLedger, 'find' | 'end'>;
    readonly reason: GrantEnding;
  },
): void {
  const { reason } = o;
  o.store.transaction(() => {
    const grant = o.grants.find(grantId);
    if (!o.grants.end(grantId, reason) || !grant) return;
    if (reason !== 'token_reused' && reason !== 'code_replayed') return;
    const credential = o.clients.credential(grant.clientId);
    o.audit.record({
      kind: 'oauth.token_reuse',
      ...(credential === undefined ? {} : { credential }),
      door: 'http',
      outcome: 'refused',
      detail: { grant: grantId, reason, address: o.current().network },
    });
  });
}
