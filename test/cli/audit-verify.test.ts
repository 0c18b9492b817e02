/** The engine's part of `audit verify` is a word: reading the record is the command's own work, beside the engine. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ACTS } from '#cli/acts.ts';
import { carryOut } from '#cli/owner-socket.ts';
import { openTestGateway } from '../support/gateway.ts';

test('no act of the engine reads the record through: a broken line stops none of them, and a call is answered', async () => {
  const it = await openTestGateway({ http: false });
  onTestFinished(() => it.close());
  await it.call('get_quotes', { symbols: ['SPX'] });
  it.gateway.audit.flush();
  const file = join(it.config.LOG_DIR, 'audit.jsonl');
  writeFileSync(file, readFileSync(file, 'utf8').replace('"outcome":"ok"', '"outcome":"no"'));
  expect(ACTS.map((act) => act.name)).not.toContain('audit.verify');
  const told = await carryOut(
    ACTS.find((act) => act.name === 'audit.snapshot'),
    it.gateway,
    { input: {} },
  );
  const { seq } = it.gateway.audit.head();
  expect(told).toMatchObject({
    ok: true,
    value: { head: seq, synced: seq, files: [{ name: 'audit.jsonl', bytes: readFileSync(file).length }] },
  });
  expect(await it.call('get_quotes', { symbols: ['SPX'] })).toMatchObject({ ok: true });
});
