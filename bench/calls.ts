/** The one call that the doors are measured with, get_quotes of one symbol, as each door is asked for it. */
import type { Call } from './load.ts';

/** Who is called. */
interface Callee {
  readonly url: string;
  readonly pid: number;
}

const CALL = { name: 'get_quotes', arguments: { symbols: ['SPX'] } };
const LEGACY_VERSION = '2025-11-25';
const MODERN_VERSION = '2026-07-28';
/** In every quote, and in no refusal. */
const QUOTED = '"bid":"';
const INFO = { name: 'bench', version: '1.0.0' };

const rpc = (method: string, params: object): string =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
const headersFor = (key: string): Readonly<Record<string, string>> => ({
  authorization: `Bearer ${key}`,
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
});

export function modernCall({ url, pid }: Callee, key: string): Call {
  return {
    pid,
    url: `${url}/mcp`,
    method: 'POST',
    headers: {
      ...headersFor(key),
      'mcp-protocol-version': MODERN_VERSION,
      'mcp-method': 'tools/call',
      'mcp-name': CALL.name,
    },
    body: rpc('tools/call', {
      ...CALL,
      _meta: {
        'io.modelcontextprotocol/protocolVersion': MODERN_VERSION,
        'io.modelcontextprotocol/clientCapabilities': {},
        'io.modelcontextprotocol/clientInfo': INFO,
      },
    }),
    answers: QUOTED,
  };
}

/** Opens the session that it calls in. */
export async function legacyCall({ url, pid }: Callee, key: string): Promise<Call> {
  const opened = await fetch(`${url}/mcp`, {
    method: 'POST',
    headers: headersFor(key),
    body: rpc('initialize', { protocolVersion: LEGACY_VERSION, capabilities: {}, clientInfo: INFO }),
  });
  await opened.text();
  const session = opened.headers.get('mcp-session-id');
  if (session === null) throw new Error(`initialize was answered ${opened.status}, without a session.`);
  const headers = {
    ...headersFor(key),
    'mcp-protocol-version': LEGACY_VERSION,
    'mcp-session-id': session,
  };
  const initialized = await fetch(`${url}/mcp`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }),
  });
  await initialized.text();
  return { pid, url: `${url}/mcp`, method: 'POST', headers, body: rpc('tools/call', CALL), answers: QUOTED };
}

/** Without a session, for a server that keeps none. */
export const plainLegacyCall = ({ url, pid }: Callee): Call => ({
  pid,
  url: `${url}/mcp`,
  method: 'POST',
  headers: { ...headersFor('none'), 'mcp-protocol-version': LEGACY_VERSION },
  body: rpc('tools/call', CALL),
  answers: QUOTED,
});

export function restCall({ url, pid }: Callee, key: string): Call {
  return {
    pid,
    url: `${url}/api/v1/quotes?symbols=SPX`,
    method: 'GET',
    headers: { authorization: `Bearer ${key}` },
    answers: QUOTED,
  };
}

/** The same body, sent to a server that only sends it back. */
export function echoOf(echo: { readonly said: string; readonly pid: number }, call: Call): Call {
  return {
    pid: echo.pid,
    url: `${echo.said}/echo`,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: call.body ?? JSON.stringify(CALL.arguments),
    answers: 'SPX',
  };
}
