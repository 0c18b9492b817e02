/** The record as a file for the owner: whole, oldest first, safe in a spreadsheet, and in pieces. */
import { expect, test } from 'vitest';
import type { AuditEvent } from '#audit/event.ts';
import { type ExportFormat, exportAudit } from '#audit/export.ts';
import { type AuditFilter, auditQuery } from '#audit/query.ts';
import { AUDIT_CHUNK_LINES_MAX } from '#limits.ts';
import { type AuditRoom, openAuditRoom } from '../support/audit-room.ts';

const record = (room: AuditRoom, ...events: readonly AuditEvent[]): void =>
  room.store.transaction(() => events.forEach((event) => room.log.record(event)));

function exporting(
  room: AuditRoom,
  format: ExportFormat,
  { filter = {}, turn = () => Promise.resolve() }: { filter?: AuditFilter; turn?: () => Promise<void> } = {},
) {
  return exportAudit({ query: auditQuery(room.store, room.keyring), turn }, filter, format);
}
async function textOf(...how: Parameters<typeof exporting>): Promise<string> {
  let text = '';
  for await (const chunk of exporting(...how)) text += chunk;
  return text;
}

test('as lines it is the file of the record, byte by byte, and of a filter its lines', async () => {
  const room = openAuditRoom();
  for (let n = 0; n < AUDIT_CHUNK_LINES_MAX * 2 + 7; n++)
    record(room, {
      kind: n % 2 === 0 ? 'order.transition' : 'tool.call',
      outcome: 'ok',
      // Names that look like numbers: parsed and written again they would change places.
      detail: { b: n, '10': 'x', '2': 'y' },
    });
  room.log.flush();
  expect(await textOf(room, 'jsonl')).toBe(
    room
      .lines()
      .map((line) => `${line}\n`)
      .join(''),
  );
  const orders = await textOf(room, 'jsonl', { filter: { kind: 'order.*' } });
  expect(orders.split('\n').slice(0, -1)).toEqual(room.lines().filter((line) => line.includes('"order.')));
  expect(await textOf(room, 'jsonl', { filter: { agent: 'nobody' } })).toBe('');
});

test('as a table it has a head, one row a line, and no cell that a spreadsheet runs', async () => {
  const room = openAuditRoom();
  const hostile = ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', ' =1', "'=1", 'a,b', 'say "hi"', 'plain', '-'];
  record(
    room,
    ...hostile.map((agent): AuditEvent => ({ kind: 'tool.call', agent, outcome: 'ok', latencyMs: 1.5 })),
    { kind: 'note', outcome: 'refused', detail: { note: '=cmd|"/C calc"!A1' } },
  );
  const [head, ...rows] = (await textOf(room, 'csv')).split('\r\n');
  expect(head).toBe('seq,time,kind,agent,credential,door,tool,scope,account,outcome,latency_ms,detail');
  expect(rows.pop()).toBe('');
  expect(rows.slice(0, -1).map((row) => row.split(',tool.call,')[1]?.replace(/,{5,6}ok,1\.5,$/, ''))).toEqual(
    [
      `"'=1+1"`,
      `"'+1"`,
      `"'-1"`,
      `"'@SUM(A1)"`,
      // The record has taken the tab out; the formula that was behind it is in front now.
      `"'=1"`,
      `"' =1"`,
      `"'=1"`,
      '"a,b"',
      '"say ""hi"""',
      'plain',
      `"'-"`,
    ],
  );
  expect(rows.at(-1)).toContain(`"{""note"":""=cmd|\\""/C calc\\""!A1""}"`);
});

test('is made piece by piece, others having their turn between, and ends where the record stood', async () => {
  const room = openAuditRoom();
  const events = Array.from(
    { length: AUDIT_CHUNK_LINES_MAX * 4 },
    (): AuditEvent => ({ kind: 'x', outcome: 'ok' }),
  );
  record(room, ...events);
  let turns = 0;
  const chunks = exporting(room, 'jsonl', {
    filter: { kind: 'x' },
    turn: async () => {
      turns++;
      record(room, { kind: 'x', outcome: 'ok' });
    },
  });
  expect(turns).toBe(0);
  const first = await chunks.next();
  expect(first.value?.split('\n')).toHaveLength(AUDIT_CHUNK_LINES_MAX + 1);
  expect(turns).toBe(0);
  let lines = AUDIT_CHUNK_LINES_MAX;
  for await (const chunk of chunks) lines += chunk.split('\n').length - 1;
  expect(lines).toBe(events.length);
  expect(turns).toBeGreaterThanOrEqual(4);
});
