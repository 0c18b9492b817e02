/** The authorization server: takes a request under one origin and one epoch, and keeps its word in the database. */
import type { ServerResponse } from 'node:http';
import type Provider from 'oidc-provider';
import type { Access } from '#access/access.ts';
import { networkOf } from '#access/address.ts';
import type { AuditLog } from '#audit/log.ts';
import {
  INTERACTIONS_MAX,
  INTERACTIONS_PER_NETWORK_MAX,
  OAUTH_PURGE_INTERVAL_MS,
  OAUTH_PURGE_ROWS_MAX,
} from '#limits.ts';
import type { Clock } from '#ports.ts';
import { type Store, StoreUnavailable } from '#store/open.ts';
import { storeAdapter } from './adapter.ts';
import { answering, errorPages, plainPage } from './answers.ts';
import { browserPages } from './browser-pages.ts';
import { type Canon, canonicalRequest, soleParameter } from './canonical.ts';
import { issuerOf, OAUTH_PATHS, resourceMetadata, resourceOf, serverMetadata } from './discovery.ts';
import { type ErrorAnswer, FAULT, HALTED } from './error-answers.ts';
import { type Exchange, openExchanges } from './exchange.ts';
import type {
  AuthorizationServer,
  BrowserProblem,
  GrantLedger,
  ProviderCall,
  RemoteClients,
  Sender,
  ShowProblem,
  SigningDesk,
} from './parts.ts';
import { payloadTable } from './payload-table.ts';
import { promptsOf } from './prompts.ts';
import { buildProvider } from './provider.ts';
import type { ConnectionLog, GrantEnding, RemoteSettings } from './records.ts';
import { recordReuse, tellOfAnswers } from './telling.ts';

export interface ServerOptions {
  readonly store: Store;
  readonly audit: Pick<AuditLog, 'record' | 'recordRepeated'>;
  readonly clock: Clock;
  readonly access: Pick<Access, 'epoch' | 'gatewayState' | 'wall'>;
  readonly clients: RemoteClients;
  readonly grants: GrantLedger;
  readonly signing: Pick<SigningDesk, 'jwks' | 'onChange'>;
  readonly connections: Pick<ConnectionLog, 'note'>;
  /** What cookies of its pages are signed with. */
  readonly cookieKey: string;
  readonly settings: () => RemoteSettings;
  /** What went wrong inside; nothing of it is told outside. */
  readonly onFault: (cause: unknown) => void;
}

export interface RunningServer extends AuthorizationServer {
  /** Begins to delete what is dead, once an hour. */
  start(): void;
  close(): void;
}

export function openAuthorizationServer(o: ServerOptions): RunningServer {
  const { store, access, grants, settings, signing } = o;
  const table = payloadTable(store);
  const exchanges = openExchanges();
  const current = (): Exchange => exchanges.current();
  let page = plainPage;
  const show: ShowProblem = (problem) => page(problem);
  function end(grantId: string, reason: GrantEnding): void {
    store.transaction(() => {
      const grant = grants.find(grantId);
      if (grants.end(grantId, reason) && grant) recordReuse(grant, { ...o, current, reason });
    });
  }
  const resumeUrl = (uid: string): string => `${issuerOf(settings()) + OAUTH_PATHS.authorize}/${uid}`;
  const parts = {
    ...o,
    wallMs: access.wall,
    epoch: () => current().epoch,
    table,
    current,
    end,
    show,
    resumeUrl,
  };
  function build(): { readonly provider: Provider; readonly answer: ReturnType<Provider['callback']> } {
    const provider = buildProvider({
      ...parts,
      adapter: storeAdapter(parts),
      prompts: () => promptsOf(o),
      renderError: errorPages(show),
    });
    provider.use(answering(parts));
    tellOfAnswers(provider, parts);
    return { provider, answer: provider.callback() };
  }
  let built = build();
  signing.onChange(() => {
    built = build();
  });

  const begun = (
    endpoint: Exchange['endpoint'],
    { sender = NOBODY, grantType }: Partial<Pick<Exchange, 'sender' | 'grantType'>> = {},
  ): Exchange => ({
    endpoint,
    grantType,
    epoch: access.epoch(),
    sender,
    network: networkOf(sender.address),
    writes: [],
  });
  const canon = (): Canon => ({
    issuer: issuerOf(settings()),
    resource: resourceOf(settings()),
    scopesEnabled: settings().scopesEnabled,
  });
  const crowded = ({ epoch, network }: Exchange): boolean => {
    const living = { epoch, nowMs: access.wall() };
    return (
      table.count('Interaction', living) >= INTERACTIONS_MAX ||
      table.count('Interaction', living, network) >= INTERACTIONS_PER_NETWORK_MAX
    );
  };
  /** What is answered without asking the library; undefined: ask it. */
  function turnedAway(call: ProviderCall, exchange: Exchange): Turned | undefined {
    const { kind } = call.endpoint;
    if (access.gatewayState() === 'HALTED') {
      if (kind === 'authorize' || kind === 'resume') return HALTED_PAGE;
      if (kind === 'token') return HALTED_TOKEN;
    }
    return kind === 'authorize' && crowded(exchange) ? CROWDED : undefined;
  }

  return {
    async handle(call, response) {
      const { kind } = call.endpoint;
      const exchange = begun(kind, {
        sender: { address: call.address, userAgent: call.headers['user-agent'] ?? '' },
        grantType: kind === 'token' ? soleParameter(call.body, 'grant_type') : undefined,
      });
      try {
        const turned = turnedAway(call, exchange);
        if (turned) return turnAway(response, turned, show);
        await exchanges.run(exchange, () => built.answer(canonicalRequest(call, canon()), response));
      } catch (cause) {
        o.onFault(cause);
        turnAway(response, kind === 'token' || kind === 'revoke' ? FAILED_CALL : FAILED_PAGE, show);
      }
    },
    ...browserPages({
      ...parts,
      provider: () => built.provider,
      issuer: () => issuerOf(settings()),
      resource: () => resourceOf(settings()),
      inExchange: (work) => exchanges.run(begun('page'), work),
    }),
    metadata: () => serverMetadata(settings()),
    resourceMetadata: () => resourceMetadata(settings()),
    showsProblems(given) {
      page = given;
    },
    ...purging({
      ...parts,
      purge: () => table.purge({ epoch: access.epoch(), nowMs: access.wall() }, OAUTH_PURGE_ROWS_MAX),
    }),
  };
}

const NOBODY: Sender = { address: '', userAgent: '' };

type Turned =
  | { readonly page: BrowserProblem; readonly status: number; readonly error: string }
  | { readonly body: ErrorAnswer; readonly status: number };

const HALTED_PAGE: Turned = { page: 'halted', status: 503, error: 'temporarily_unavailable' };
const CROWDED: Turned = { page: 'too_many', status: 503, error: 'temporarily_unavailable' };
const FAILED_PAGE: Turned = { page: 'unavailable', status: 503, error: 'server_error' };
const FAILED_CALL: Turned = { status: 500, body: FAULT };
const HALTED_TOKEN: Turned = { status: 400, body: HALTED };

function turnAway(response: ServerResponse, turned: Turned, show: ShowProblem): void {
  if (response.headersSent) {
    response.end();
    return;
  }
  response.statusCode = turned.status;
  response.setHeader('cache-control', 'no-store');
  if ('body' in turned) {
    response.setHeader('content-type', 'application/json; charset=utf-8');
    response.end(JSON.stringify(turned.body));
    return;
  }
  const { headers, html } = show({ kind: turned.page, status: turned.status, error: turned.error });
  response.setHeader('content-type', 'text/html; charset=utf-8');
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.end(html);
}

interface Purging extends Pick<ServerOptions, 'store' | 'clock' | 'onFault'> {
  /** At most OAUTH_PURGE_ROWS_MAX at once; gives how many. */
  readonly purge: () => number;
}

function purging({ store, clock, onFault, purge }: Purging): Pick<RunningServer, 'start' | 'close'> {
  let cancel: (() => void) | undefined;
  function sweep(): void {
    let more = false;
    try {
      more = store.transaction(purge) === OAUTH_PURGE_ROWS_MAX;
    } catch (cause) {
      // Dead rows open nothing: they can wait for a store that takes deletions.
      if (!(cause instanceof StoreUnavailable)) onFault(cause);
    }
    cancel = clock.after(more ? 0 : OAUTH_PURGE_INTERVAL_MS, sweep);
  }
  return {
    start: sweep,
    close: () => cancel?.(),
  };
}
