/** The authorization server: takes a request under one origin and one epoch, and keeps its word in the database. */
import type { ServerResponse } from 'node:http';
import type Provider from 'oidc-provider';
import type { Access } from '#access/access.ts';
import { networkOf } from '#access/address.ts';
import type { AuditLog } from '#audit/log.ts';
import { OAUTH_REFUSALS_CLIENTS_MAX, OAUTH_REFUSALS_TOLD_PER_HOUR } from '#limits.ts';
import type { Clock } from '#ports.ts';
import type { Store } from '#store/open.ts';
import { type AdapterParts, storeAdapter } from './adapter.ts';
import { type AnswerParts, answering, errorPages, plainPage } from './answers.ts';
import { browserMarks } from './browser-mark.ts';
import { browserPages } from './browser-pages.ts';
import { type Canon, canonicalRequest, soleParameter } from './canonical.ts';
import { type Crowd, openCrowd } from './crowd.ts';
import { issuerOf, OAUTH_PATHS, resourceMetadata, resourceOf, serverMetadata } from './discovery.ts';
import { type ErrorAnswer, FAULT, HALTED } from './error-answers.ts';
import { type Exchange, openExchanges } from './exchange.ts';
import type {
  AuthorizationServer,
  BrowserProblem,
  GrantLedger,
  RemoteClients,
  Sender,
  ShowProblem,
  SigningDesk,
} from './parts.ts';
import { payloadTable } from './payload-table.ts';
import { type PromptParts, promptsOf } from './prompts.ts';
import { buildProvider, type ProviderParts } from './provider.ts';
import { openPurge } from './purge.ts';
import type { ConnectionLog, GrantEnding, RemoteSettings } from './records.ts';
import { endAudited, type TellingParts, tellOfAnswers } from './telling.ts';
import { toldOfEach } from './told-per-hour.ts';

export interface ServerOptions {
  readonly store: Store;
  readonly audit: Pick<AuditLog, 'record' | 'recordRepeated' | 'recordDeferred'>;
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
  const { store, access, settings } = o;
  const table = payloadTable(store);
  const crowd = openCrowd({ table, clients: o.clients });
  const exchanges = openExchanges();
  const refusals = toldOfEach({
    ...o,
    linesMax: OAUTH_REFUSALS_TOLD_PER_HOUR,
    namesMax: OAUTH_REFUSALS_CLIENTS_MAX,
  });
  let page = plainPage;
  const current = (): Exchange => exchanges.current();
  const parts = {
    ...o,
    table,
    crowd,
    refusals,
    current,
    wallMs: access.wall,
    epoch: () => current().epoch,
    show: ((problem) => page(problem)) satisfies ShowProblem,
    end: (grantId: string, reason: GrantEnding) => endAudited(grantId, { ...o, current, reason }),
    resumeUrl: (uid: string) => `${issuerOf(settings()) + OAUTH_PATHS.authorize}/${uid}`,
  };
  let library = openLibrary(parts);
  o.signing.onChange(() => {
    library = openLibrary(parts);
  });
  const begun = beginning(access);
  const marks = browserMarks(settings().publicUrl.protocol === 'https:');
  const purge = openPurge({ ...o, table });
  const turnedAway = atTheGate({ access, crowd });

  return {
    async handle(call, response) {
      const { kind } = call.endpoint;
      const brought = marks.brought(call.headers.cookie);
      const mark = kind === 'authorize' ? (brought ?? marks.fresh()) : brought;
      const exchange = begun(kind, {
        browser: mark?.digest,
        sender: { address: call.address, userAgent: call.headers['user-agent'] ?? '' },
        grantType: kind === 'token' ? soleParameter(call.body, 'grant_type') : undefined,
      });
      try {
        const turned = turnedAway(exchange, soleParameter(call.query, 'client_id'));
        if (turned) return turnAway(response, turned, parts.show);
        if (mark && (kind === 'authorize' || kind === 'resume'))
          response.appendHeader('set-cookie', mark.cookie);
        const request = canonicalRequest(call, canonOf(settings()));
        await exchanges.run(exchange, () => library.answer(request, response));
      } catch (cause) {
        o.onFault(cause);
        turnAway(response, kind === 'token' || kind === 'revoke' ? FAILED_CALL : FAILED_PAGE, parts.show);
      }
    },
    ...browserPages({
      ...parts,
      provider: () => library.provider,
      issuer: () => issuerOf(settings()),
      resource: () => resourceOf(settings()),
      inExchange: ({ headers }, work) =>
        exchanges.run(begun('page', { browser: marks.brought(headers.cookie)?.digest }), work),
    }),
    metadata: () => serverMetadata(settings()),
    resourceMetadata: () => resourceMetadata(settings()),
    showsProblems(given) {
      page = given;
    },
    start: () => purge.start(),
    close() {
      purge.close();
      refusals.close();
    },
  };
}

interface Library {
  readonly provider: Provider;
  readonly answer: ReturnType<Provider['callback']>;
}
type LibraryParts = AdapterParts &
  AnswerParts &
  TellingParts &
  Omit<ProviderParts, 'adapter' | 'prompts' | 'renderError'> &
  PromptParts;

function openLibrary(parts: LibraryParts): Library {
  const provider = buildProvider({
    ...parts,
    adapter: storeAdapter(parts),
    prompts: () => promptsOf(parts),
    renderError: errorPages(parts.show),
  });
  provider.use(answering(parts));
  tellOfAnswers(provider, parts);
  return { provider, answer: provider.callback() };
}

const canonOf = (settings: RemoteSettings): Canon => ({
  issuer: issuerOf(settings),
  resource: resourceOf(settings),
  scopesEnabled: settings.scopesEnabled,
});

/** A request as it comes in: whatever is kept of it is kept under the epoch of this moment. */
const beginning =
  (access: ServerOptions['access']) =>
  (
    endpoint: Exchange['endpoint'],
    { sender = NOBODY, grantType, browser }: Partial<Pick<Exchange, 'sender' | 'grantType' | 'browser'>> = {},
  ): Exchange => ({
    endpoint,
    grantType,
    epoch: access.epoch(),
    sender,
    network: networkOf(sender.address),
    browser,
    writes: [],
  });

/** What is answered without asking the library; undefined: ask it. */
function atTheGate(o: { readonly access: ServerOptions['access']; readonly crowd: Crowd }) {
  const { access, crowd } = o;
  return ({ endpoint, epoch, network }: Exchange, clientId: string | undefined): Turned | undefined => {
    if (access.gatewayState() === 'HALTED') {
      if (endpoint === 'authorize' || endpoint === 'resume') return HALTED_PAGE;
      if (endpoint === 'token') return HALTED_TOKEN;
    }
    if (endpoint !== 'authorize') return undefined;
    return crowd.turnsAway({ clientId, network, epoch, nowMs: access.wall() }) ? CROWDED : undefined;
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
