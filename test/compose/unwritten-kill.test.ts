/** A kill that the store does not take: the file in the data folder tells the next start, and a resume takes it away. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openTestGateway } from '../support/gateway.ts';

it('survives a restart by the file that it lays, is not carried out twice, and ends with a resume', async () => {
  const gate = await openTestGateway({ http: false });
  const file = join(gate.config.DATA_DIR, 'KILL');
  const { store, trading } = gate.gateway;
  store.db.pragma('query_only = 1');
  const killed = trading.kill({ cancel: 'all', flatten: false, by: 'console' });
  await gate.clock.advanceAsync(2_500);
  expect((await killed).tradingState).toBe('HALTED');
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ cancel: 'all', flatten: false });
  // The process ends before anything could be written.
  await gate.stop();

  const again = await openTestGateway({ http: false, folder: gate.folder });
  expect(again.gateway.access.gatewayState()).toBe('HALTED');
  expect(again.gateway.access.agents.list().every(({ halted }) => halted === null)).toBe(true);
  await again.clock.advanceAsync(5_000);
  const kills = again.gateway.store.db
    .prepare("SELECT count(*) FROM audit WHERE json_extract(line, '$.kind') = 'kill'")
    .pluck()
    .get();
  expect(kills).toBe(1);
  expect(again.gateway.console.gate.resume().ok).toBe(true);
  expect(existsSync(file)).toBe(false);
  await again.clock.advanceAsync(5_000);
  expect(again.gateway.access.gatewayState()).toBe('ACTIVE');
  await again.close();
});
