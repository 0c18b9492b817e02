/** A body may come half a minute after its head: who was let in by the head and shut out since is answered nothing. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import { type Doors, openDoors } from '../support/doors.ts';
import { openSocket, type RawResponse, responseIn } from '../support/raw-socket.ts';

let doors: Doors;
beforeEach(async () => {
  doors = await openDoors();
});
afterEach(() => doors.close());

const MODERN = {
  _meta: {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  },
};
const INITIALIZE = {
  protocolVersion: '2025-06-18',
  capabilities: {},
  clientInfo: { name: 'late', version: '1' },
};
const METHODS: readonly (readonly [method: string, params: object])[] = [
  ['tools/list', {}],
  ['resources/list', {}],
  ['prompts/list', {}],
  ['prompts/get', { name: 'explain_refusal', arguments: { reason: 'not_found' } }],
  ['tools/call', { name: 'get_word', arguments: { word: 'late' } }],
  ['initialize', INITIALIZE],
  ['subscriptions/listen', { ...MODERN, notifications: { toolsListChanged: true } }],
];

async function sentAround(
  key: string,
  [method, params]: (typeof METHODS)[number],
  meanwhile: () => void,
): Promise<RawResponse> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const head = [
    'POST /mcp HTTP/1.1',
    `Host: 127.0.0.1:${doors.port}`,
    `Authorization: Bearer ${key}`,
    'Content-Type: application/json',
    'Accept: application/json, text/event-stream',
    ...('_meta' in params ? ['MCP-Protocol-Version: 2026-07-28', `Mcp-Method: ${method}`] : []),
    `Content-Length: ${body.length}`,
  ];
  const connection = await openSocket(doors.port, `${head.join('\r\n')}\r\n\r\n${body.slice(0, 9)}`);
  // Read and answered after the head above, which came first.
  await fetch(`${doors.url}/healthz`);
  meanwhile();
  connection.socket.write(body.slice(9));
  const answer = responseIn(await connection.until(/\r\n\r\n[^]/));
  connection.socket.destroy();
  return answer;
}

const reasonOf = ({ body }: RawResponse): unknown =>
  (JSON.parse(body) as { error: { data: { reason: string } } }).error.data.reason;

describe.each(METHODS)('%s', (...call) => {
  test('is refused when the kill switch fell in between', async () => {
    const answer = await sentAround(doors.key().key, call, () => doors.kill());
    expect([answer.status, reasonOf(answer)]).toEqual([401, 'trading_halted']);
    expect(doors.record().at(-1)).toMatchObject({ outcome: 'refused', detail: { reason: 'trading_halted' } });
  });
  test('is refused when its key was revoked in between', async () => {
    const { key, id } = doors.key();
    const answer = await sentAround(key, call, () => void doors.access.keys.revoke(id, OWNER_CLI));
    expect([answer.status, reasonOf(answer)]).toEqual([401, 'credential_revoked']);
    expect(doors.mcp.subscriptions.count).toBe(0);
  });
});
