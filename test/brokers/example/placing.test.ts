/** docs/writing-a-broker.md shows code that runs: its pieces are those of this folder, and they tell the truth about an order. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { openHttpCaller } from '#brokers/http-call.ts';
import { openBudget } from '#brokers/request-budget.ts';
import { cleared } from '../../support/cleared.ts';
import { handClock } from '../../support/hand-clock.ts';
import { ABC } from '../../support/paper-venue.ts';
import { place, type Wire } from './placing.ts';

const open: { close(): unknown }[] = [];
afterEach(() => {
  for (const one of open.splice(0).toReversed()) one.close();
});

async function at(answer: (response: ServerResponse) => void, gate: Wire['gate'] = () => undefined) {
  const heard: string[] = [];
  const server = createServer((request, response) => {
    request.on('data', (chunk) => void heard.push(String(chunk)));
    request.on('end', () => answer(response));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const clock = handClock();
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const caller = openHttpCaller({ baseUrl, timeoutMs: 5_000, bodyMaxBytes: 10_000, clock });
  const budget = openBudget({
    clock,
    rules: [{ name: 'orders', max: 10, perMs: 1_000 }],
    queueMax: 10,
    waitMaxMs: 4_000,
  });
  open.push(server, { close: () => server.closeAllConnections() }, caller);
  return { heard, wire: { caller, budget, gate, instrument: ABC } };
}
const ORDER = cleared({ id: 'pc_1', side: 'buy', qty: '3', limit: '10.50' });

it.each([
  ['accepted', 201, '{"id":"9007199254740993"}'],
  ['rejected', 422, '{"message":"too dear"}'],
  ['unknown', 201, '{"id":'],
  ['unknown', 500, 'oops'],
  ['unknown', 429, '{}'],
])('is %s when the broker answers %i %s', async (kind, status, body) => {
  const { wire, heard } = await at((response) => response.writeHead(status).end(body));
  expect(await place(wire, ORDER)).toMatchObject({ kind });
  expect(heard).toEqual(['{"client_id":"pc_1","side":"buy","qty":"3","limit":"10.5"}']);
});

it('is unknown when the connection breaks, and not sent before a closed gate, off the tick or beside the lot', async () => {
  const broken = await at((response) => response.socket?.resetAndDestroy());
  expect(await place(broken.wire, ORDER)).toMatchObject({ kind: 'unknown' });
  expect(broken.heard).toHaveLength(1);
  const closed = await at(
    (response) => response.end(),
    () => 'stopped',
  );
  for (const order of [
    ORDER,
    cleared({ id: 'a', side: 'buy', qty: '0.5', limit: '10' }),
    cleared({ id: 'b', side: 'buy', qty: '1', limit: '10.001' }),
  ])
    expect(await place(closed.wire, order)).toMatchObject({ kind: 'not_sent' });
  expect(closed.heard).toEqual([]);
});

it('is what the guide shows, line by line', () => {
  const guide = readFileSync(join(import.meta.dirname, '../../../docs/writing-a-broker.md'), 'utf8');
  const source = readFileSync(join(import.meta.dirname, 'placing.ts'), 'utf8');
  const blocks = [...guide.matchAll(/^```ts\n([^]*?)^```/gm)].map(([, block = '']) => block);
  expect(blocks.length).toBeGreaterThan(2);
  for (const block of blocks) expect(source).toContain(block);
});
