/** How agents' calls went, as the console shows it: its window in the address, its figures from the record. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AuditEvent } from '#audit/event.ts';
import { TRAFFIC_CALLS_MAX, TRAFFIC_KEPT_MS, TRAFFIC_POINTS } from '#limits.ts';
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

function recordCalls(count: number, event: Partial<AuditEvent>): void {
  const { store, audit } = gate.gateway;
  store.transaction(() => {
    for (let n = 1; n <= count; n++)
      audit.record({ kind: 'tool.call', door: 'http', outcome: 'ok', latencyMs: n, ...event });
  });
}
/** The cells of the row that begins so. */
const rowOf = (html: string, name: string): readonly string[] => {
  const row =
    [...html.matchAll(/<tr><td[^]*?<\/tr>/g)].find(([text]) => text.includes(`>${name}<`))?.[0] ?? '';
  return [...row.matchAll(/<td[^>]*>([^]*?)<\/td>/g)].map(([, cell = '']) =>
    cell.replaceAll(/<[^>]*>/g, '').trim(),
  );
};
const later = (): void => gate.clock.setWall(gate.clock.wallMs() + TRAFFIC_KEPT_MS);

test('teaches what will be there while there is nothing', async () => {
  const page = await owner.get('/admin/traffic');
  expect(page.words).toContain('No calls in the last 1 hour');
  expect(page.words).toContain('connect an agent');
  expect(page.html).not.toContain('<svg viewBox');
});

test('counts by tool, agent, door and reason, within the window that the address names', async () => {
  recordCalls(4, { agent: 'claude', tool: 'get_quotes', door: 'rest' });
  gate.clock.setWall(gate.clock.wallMs() + 30 * 60_000);
  recordCalls(100, { agent: 'claude', tool: 'get_quotes' });
  recordCalls(3, {
    agent: 'scalper',
    tool: 'place_order',
    outcome: 'refused',
    detail: { reason: 'price_collar' },
  });
  recordCalls(1, { agent: 'scalper', tool: 'place_order', outcome: 'error', detail: { reason: 'internal' } });
  const { html, words } = await owner.get('/admin/traffic?window=15m');
  expect(rowOf(html, 'get_quotes')).toEqual(['get_quotes', '100', '0', '0', '0', '50 ms', '99 ms']);
  expect(rowOf(html, 'place_order')).toEqual(['place_order', '4', '3', '0', '1', '1 ms', '3 ms']);
  expect(rowOf(html, 'scalper')).toEqual(['scalper', '4', '3', '0', '1', '1 ms', '3 ms']);
  expect(rowOf(html, 'http')).toEqual(['http', '104', '3', '0', '1', '48 ms', '99 ms']);
  expect(rowOf(html, 'price collar').slice(0, 2)).toEqual(['price collar', '3']);
  expect(words).toContain('too far from the market');
  expect(html).toContain('href="/admin/audit?kind=tool.call&amp;tool=get_quotes"');
  expect(html).toMatch(/href="\/admin\/traffic\?window=15m" aria-current="true"/);
  const hour = await owner.get('/admin/traffic?window=1h');
  expect(rowOf(hour.html, 'get_quotes').slice(0, 2)).toEqual(['get_quotes', '104']);
  expect(rowOf(hour.html, 'rest').slice(0, 2)).toEqual(['rest', '4']);
});

test('draws a bar for each stretch in which something was called, on the server', async () => {
  later();
  const { html } = await owner.get('/admin/traffic?window=1h');
  const bars = [
    ...html.matchAll(/<rect class="(good|bad)" x="([\d.]+)" y="([\d.]+)" width="[\d.]+" height="([\d.]+)"/g),
  ];
  expect(bars.map(([, way]) => way)).toEqual(['good', 'good', 'bad']);
  for (const [, , x, y, height] of bars) {
    expect(Number(x)).toBeLessThan(600);
    expect(Number(y) + Number(height)).toBeLessThanOrEqual(120.1);
  }
  expect(Number(bars.at(-1)?.[2])).toBeGreaterThan(600 - 2 * (600 / TRAFFIC_POINTS));
  expect(html).not.toMatch(/style=|NaN|Infinity|undefined/);
});

test('a window that there is not is the usual one', async () => {
  const page = await owner.get('/admin/traffic?window=99y');
  expect(page.html).toMatch(/window=1h" aria-current="true"/);
});

test('says from when on it counted when there were too many calls', async () => {
  recordCalls(TRAFFIC_CALLS_MAX + 5, { agent: 'busy', tool: 'get_bars' });
  later();
  const { words, html } = await owner.get('/admin/traffic?window=15m');
  expect(words).toContain('There were more calls than are counted at once');
  expect(rowOf(html, 'get_bars')[1]).toBe(TRAFFIC_CALLS_MAX.toLocaleString('en'));
});
