/** While remote MCP is off there is no registration at all, on any of its names. */
import { expect, test } from 'vitest';
import { asked } from '../support/client-room.ts';
import { openTestGateway } from '../support/gateway.ts';
import { send } from '../support/raw-http.ts';

test('with remote MCP off nobody registers: there is nothing at that address', async () => {
  const gate = await openTestGateway();
  const port = Number(new URL(gate.url).port);
  for (const path of ['/oauth/register', '/register']) {
    const answer = await send({
      port,
      method: 'POST',
      path,
      headers: { host: `127.0.0.1:${port}` },
      body: asked(),
    });
    expect(answer.status).toBe(404);
  }
  expect(gate.gateway.clients.list()).toEqual([]);
  await gate.close();
});
