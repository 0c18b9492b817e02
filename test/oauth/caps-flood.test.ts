/** Ten thousand registrations from one address: what they cost in time, rows, lines and disk, and whom they keep out. */
import { readFileSync, statSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import { asked } from '../support/client-room.ts';
import { openRegistering } from '../support/registering.ts';

const REGISTRATIONS = 10_000;
/** Of the processor, so that a busy machine is no fault: half a millisecond each with the client's part; four times that is one. */
const CPU_BOUND_MS = 20_000;
const FLOODER = '203.0.113.66';

test('10,000 registrations from one address neither fill the disk nor push out a pending client', async () => {
  const at = await openRegistering();
  const { gateway, folder } = at.gate;
  const { clients, store, audit } = gateway;
  const rows = (): Readonly<Record<string, unknown>> => {
    audit.flush();
    const tables = ['oauth_clients', 'oauth_grants', 'oauth_payloads', 'oauth_progress', 'audit', 'agents'];
    return Object.fromEntries(
      tables.map((table) => [table, store.db.prepare(`SELECT count(*) FROM ${table}`).pluck().get()]),
    );
  };
  const bytes = (): number => {
    store.db.pragma('wal_checkpoint(TRUNCATE)');
    return statSync(store.path).size + statSync(join(folder, 'log', 'audit.jsonl')).size;
  };
  const waiting = String(
    (await at.post(asked({ client_name: 'The one that counts' }), { address: '192.0.2.1' })).json()[
      'client_id'
    ],
  );
  const before = { rows: rows(), bytes: bytes() };
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const outcomes = new Map<number, number>();
  const started = process.cpuUsage();
  await Promise.all(
    Array.from({ length: REGISTRATIONS }, async (_, n) => {
      const answer = await at.post(asked({ client_name: `Flood ${n}` }), { agent, address: FLOODER });
      outcomes.set(answer.status, (outcomes.get(answer.status) ?? 0) + 1);
    }),
  );
  const { user, system } = process.cpuUsage(started);
  const tookMs = (user + system) / 1_000;
  agent.destroy();
  const after = { rows: rows(), bytes: bytes() };
  console.info(
    `${REGISTRATIONS} registrations: ${Math.round(tookMs)} ms of the processor, ${after.bytes - before.bytes} bytes, ${JSON.stringify(after.rows)}`,
  );

  expect(outcomes).toEqual(
    new Map([
      [201, 8],
      [429, REGISTRATIONS - 8],
    ]),
  );
  expect(tookMs).toBeLessThan(CPU_BOUND_MS);
  expect(after.rows).toMatchObject({
    oauth_clients: 9,
    oauth_grants: 0,
    oauth_payloads: 0,
    agents: before.rows['agents'],
  });
  // Eight that registered, and of the refused a few lines that count the others.
  expect(Number(after.rows['audit']) - Number(before.rows['audit'])).toBeLessThan(60);
  expect(Number(after.rows['oauth_progress'])).toBeLessThan(20);
  expect(after.bytes - before.bytes).toBeLessThan(256 * 1_024);

  // Others still register, and who waited first can be approved and is as it was.
  expect((await at.post(asked(), { address: '192.0.2.2' })).status).toBe(201);
  expect((await at.post(asked(), { address: FLOODER })).status).toBe(429);
  expect(clients.find(waiting)).toMatchObject({
    state: 'pending',
    metadata: { client_name: 'The one that counts' },
  });
  expect(clients.approve({ clientId: waiting, by: OWNER_CLI })).toMatchObject({
    ok: true,
    value: { state: 'approved' },
  });

  // When it stops, the record has told how many there were, and has grown by no more than that.
  await at.gate.stop();
  const lines = readFileSync(join(folder, 'log', 'audit.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('oauth.registration_refused'));
  const told = lines
    .map((line) => (JSON.parse(line) as { detail: Record<string, unknown> }).detail)
    .reduce((sum, { count, more }) => sum + Number(more ?? count ?? 1), 0);
  expect(lines.length).toBeLessThan(60);
  expect(told).toBeGreaterThanOrEqual(REGISTRATIONS - 8);
  await at.close();
}, 120_000);
