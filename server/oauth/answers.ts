/** What of the library's answers goes out: no redirect for a client nobody approved, no token that is not written down, pages for people. */
import { type Configuration, errors } from 'oidc-provider';
import { type Store, StoreUnavailable } from '#store/open.ts';
import { OAUTH_PATHS } from './discovery.ts';
import { FAULT, UNAVAILABLE } from './error-answers.ts';
import { type Exchange, UsedMeanwhile } from './exchange.ts';
import type { BrowserProblem, ProblemPage, RemoteClients, ShowProblem } from './parts.ts';
import type { Context } from './provider.ts';
import type { GrantEnding } from './records.ts';

export interface AnswerParts {
  readonly store: Store;
  readonly clients: Pick<RemoteClients, 'state'>;
  readonly current: () => Exchange;
  readonly show: ShowProblem;
  readonly end: (grantId: string, reason: GrantEnding) => void;
  readonly onFault: (cause: unknown) => void;
}

export type Middleware = (ctx: Context, next: () => Promise<void>) => Promise<void>;

/** Around everything that the library does. */
export function answering(parts: AnswerParts): Middleware {
  return async (ctx, next) => {
    // The door has said already which origins may read the answer; the library would say: all.
    const readers = ctx.res.getHeader('access-control-allow-origin');
    try {
      await next();
      if (readers === undefined) ctx.remove('access-control-allow-origin');
      judge(ctx, parts);
    } catch (cause) {
      // Not an answer that the library knew: left alone it would end without our headers, and be printed.
      parts.onFault(cause);
      ctx.remove('location');
      fail(ctx, parts);
    }
  };
}

function judge(ctx: Context, parts: AnswerParts): void {
  switch (parts.current().endpoint) {
    case 'token':
      return commitTokens(ctx, parts);
    case 'revoke':
      return tellFault(ctx);
    case 'authorize':
    case 'resume':
      return holdRedirect(ctx, parts);
    case 'jwks':
    case 'page':
      return undefined;
  }
}

function fail(ctx: Context, { current, show }: AnswerParts): void {
  const { endpoint } = current();
  if (endpoint !== 'authorize' && endpoint !== 'resume') return answerJson(ctx, 500, FAULT);
  const page = show({ kind: 'unavailable', status: 503, error: FAULT.error });
  showPage(ctx, 503, page);
}

/** What used up a code or a refresh token, and what came of it, are one commit: before the client has either. */
function commitTokens(ctx: Context, parts: AnswerParts): void {
  const { writes, grantType } = parts.current();
  if (ctx.status !== 200) return tellFault(ctx);
  try {
    parts.store.transaction(() => {
      for (const write of writes) write();
    });
  } catch (cause) {
    if (cause instanceof UsedMeanwhile) {
      parts.end(cause.grantId, grantType === 'refresh_token' ? 'token_reused' : 'code_replayed');
      answerJson(ctx, 400, { error: 'invalid_grant', error_description: 'grant request is invalid' });
      return;
    }
    parts.onFault(cause);
    if (cause instanceof StoreUnavailable) answerJson(ctx, 503, UNAVAILABLE);
    else answerJson(ctx, 500, FAULT);
  }
}

function tellFault(ctx: Context): void {
  if (ctx.status === 500) answerJson(ctx, 500, FAULT);
  else if (ctx.status === 503) answerJson(ctx, 503, UNAVAILABLE);
}

function answerJson(ctx: Context, status: number, body: object): void {
  ctx.status = status;
  ctx.body = body;
}

/**
 * RFC 9700, 4.11.2: anybody can register a client, so a redirect to the address of one is an open redirect until the owner has
 * approved it. What a person has chosen on our pages, with that address before their eyes, is theirs.
 */
function holdRedirect(ctx: Context, parts: AnswerParts): void {
  const location: unknown = ctx.res.getHeader('location');
  if (typeof location !== 'string') return;
  const { oidc } = ctx;
  if (location.startsWith(`${OAUTH_PATHS.interaction}/`)) return;
  const clientId = oidc?.client?.clientId;
  if (clientId !== undefined && parts.clients.state(clientId) === 'approved') return;
  if (oidc?.entities.Interaction?.result?.error !== undefined) return;
  ctx.remove('location');
  showPage(
    ctx,
    403,
    parts.show({
      kind: 'not_approved',
      status: 403,
      error: 'unauthorized_client',
      ...(clientId === undefined ? {} : { clientId }),
    }),
  );
}

function showPage(ctx: Context, status: number, page: ProblemPage): void {
  ctx.status = status;
  ctx.set({ ...page.headers });
  ctx.type = 'html';
  ctx.body = page.html;
}

/** A browser is told in words, a program in RFC 6749's; the address of a client is no place for what may be an attack on it. */
export function errorPages(show: ShowProblem): NonNullable<Configuration['renderError']> {
  return (ctx, out, error) => {
    const { client } = ctx.oidc ?? {};
    const problem = problemOf(error);
    const status = problem === 'unavailable' ? 503 : 400;
    if ((ctx as Context).accepts('html', 'json') === 'json') {
      answerJson(ctx as Context, status, { error: out.error, error_description: out.error_description });
      return;
    }
    const page = show({
      kind: problem,
      status,
      error: out.error,
      ...(client === undefined ? {} : { clientId: client.clientId }),
    });
    showPage(ctx as Context, status, page);
  };
}

function problemOf(error: Error): BrowserProblem {
  if (error instanceof errors.InvalidClient) return 'unknown_client';
  if (error instanceof errors.InvalidRedirectUri) return 'wrong_redirect';
  if (error instanceof errors.SessionNotFound) return 'expired';
  if (error instanceof errors.OIDCProviderError && error.expose) return 'bad_request';
  return 'unavailable';
}

/** Until somebody gives better ones. */
export const plainPage: ShowProblem = ({ error }) => ({
  headers: {},
  html: `<!doctype html><title>Portcullis</title><p>This request could not be answered (${error.replaceAll(/[^a-z_]/g, '')}).</p>`,
});
