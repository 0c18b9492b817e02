/** Who asks and resets the connection has no address left when the request is read: that must not pass for this machine. */
import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import { type Doors, openDoors } from '../support/doors.ts';

let doors: Doors | undefined;
afterEach(async () => {
  await doors?.close();
  doors = undefined;
});

/** The request and the end of its connection are both there before the gateway reads either. */
function askAndReset(port: number, from: string, lines: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, localAddress: from }, () => {
      socket.write(lines.join('\r\n'), () => socket.resetAndDestroy());
    });
    socket.once('error', reject);
    socket.once('close', () => resolve());
  });
}

test('a key for this machine alone opens nothing to a sender that can not be told any more', async () => {
  doors = await openDoors({ publicUrl: new URL('https://gate.example') });
  const { access, port, script } = doors;
  const made = access.keys.create({
    agent: 'claude',
    scopes: ['read:market'],
    ipAllow: ['127.0.0.1'],
    by: OWNER_CLI,
  });
  if (!made.ok) throw new Error(made.error.detail);
  const head = ['Host: gate.example', `Authorization: Bearer ${made.value.key}`];
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'get_word', arguments: { word: 'blind' } },
  });
  const post = [...head, 'Content-Type: application/json', `Content-Length: ${body.length}`, '', body];
  for (let n = 0; n < 5; n++) {
    await askAndReset(port, '127.0.0.2', ['POST /mcp HTTP/1.1', ...post]);
    await askAndReset(port, '127.0.0.2', ['GET /api/v1/words/blind HTTP/1.1', ...head, '', '']);
  }
  // They were read before this one, which came later.
  await fetch(`${doors.url}/healthz`);
  expect(script.seen).toEqual([]);
  expect(doors.record().filter(({ kind }) => kind === 'tool.call')).toEqual([]);
});
