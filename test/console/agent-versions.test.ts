/** The page of an agent says who wrote each version of its mandate. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { signedIn } from '../support/browser.ts';
import { type ConsoleClient, consoleClient } from '../support/console-client.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';

let gate: TestGateway;
let owner: ConsoleClient;
beforeAll(async () => {
  gate = await openTestGateway();
  owner = consoleClient(gate.url, await signedIn(gate));
});
afterAll(() => gate.close());

test('what the agent made tighter itself is told from what the owner wrote, and shows in its limits', async () => {
  const tightened = await gate.call('tighten_mandate', { max_daily_loss: '123.45' });
  expect(tightened).toMatchObject({ ok: true, output: { version: 2, changed: ['max_daily_loss'] } });
  const { words } = await owner.get('/admin/agents/local');
  expect(words).toMatch(/Version 2, [^V]*made tighter by the agent itself/);
  expect(words).not.toMatch(/Version 1, [^V]*made tighter/);
  expect(words).toContain('123.45');
});
