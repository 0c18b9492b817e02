/** Somebody who opens legacy sessions and never closes one. */
import type { FastifyInstance } from 'fastify';
import { bearer } from './raw-http.ts';

const INITIALIZE = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'hoarder', version: '1' } },
};
const headersOf = (key: string) => ({
  host: '127.0.0.1',
  ...bearer(key),
  accept: 'application/json, text/event-stream',
});

/** Gives the id of the new session. */
export async function openSession(app: FastifyInstance, key: string): Promise<string> {
  const opened = await app.inject({
    method: 'POST',
    url: '/mcp',
    headers: headersOf(key),
    payload: INITIALIZE,
  });
  const id = opened.headers['mcp-session-id'];
  if (opened.statusCode !== 200 || typeof id !== 'string') throw new Error(opened.body);
  return id;
}

/** 200 while the session lives, 404 when it has gone. */
export async function useSession(app: FastifyInstance, key: string, session: string): Promise<number> {
  const used = await app.inject({
    method: 'POST',
    url: '/mcp',
    headers: { ...headersOf(key), 'mcp-session-id': session },
    payload: { jsonrpc: '2.0', id: 2, method: 'ping' },
  });
  return used.statusCode;
}
