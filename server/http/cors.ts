/** Calls of web pages from other origins (Fetch standard, CORS protocol): what an origin that was admitted may send and read. */
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Where pages of other origins have business; /admin, /docs and everything that a browser is sent to are for this origin alone. */
const CALLABLE =
  /^\/(?:$|mcp$|(?:oauth\/)?(?:token|register)$|oauth\/(?:revoke|jwks)$|api\/v1\/|\.well-known\/)/;
const METHODS = 'GET, POST, PATCH, DELETE';
const REQUEST_HEADERS = [
  'Authorization',
  'Content-Type',
  'Accept',
  'MCP-Protocol-Version',
  'Mcp-Session-Id',
  'Mcp-Method',
  'Mcp-Name',
  'Last-Event-ID',
].join(', ');
const RESPONSE_HEADERS = 'Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate, Retry-After';
/** Browsers keep the answer at most this long: a closed list of origins acts soon. */
const PREFLIGHT_MAX_AGE_SECONDS = 600;

/**
 * The origin has been admitted by the perimeter: a foreign one never comes here, so it is named back and never a star.
 * Credentials of the browser's are not asked for, since none are used here, and a public page gets no leave to reach into
 * a private network. Gives true when a preflight has been answered, which is before authentication: browsers send it bare.
 */
export function answerCors(request: FastifyRequest, reply: FastifyReply, path: string): boolean {
  if (!CALLABLE.test(path)) return false;
  // Without an Origin as well, so that no cache hands one page's answer to another.
  void reply.header('vary', 'Origin');
  const { origin } = request.headers;
  if (origin === undefined) return false;
  void reply.header('access-control-allow-origin', origin);
  void reply.header('access-control-expose-headers', RESPONSE_HEADERS);
  if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined)
    return false;
  void reply
    .code(204)
    .header('access-control-allow-methods', METHODS)
    .header('access-control-allow-headers', REQUEST_HEADERS)
    .header('access-control-max-age', String(PREFLIGHT_MAX_AGE_SECONDS))
    .send();
  return true;
}
