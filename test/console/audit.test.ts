/** The record in the console: found by the address, proved without a word too many, exported, opened on the record. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditEvent } from '#audit/event.ts';
import { CONSOLE_ROWS_MAX } from '#limits.ts';
import { signedIn } from '../support/browser.ts';
import { type ConsoleClient, consoleClient } from '../support/console-client.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';
import { rowsOf } from '../support/trading-scene.ts';

let gate: TestGateway;
let owner: ConsoleClient;
const record = (...events: readonly AuditEvent[]): void => {
  const { store, audit } = gate.gateway;
  store.transaction(() => events.forEach((event) => audit.record(event)));
};
const HOSTILE = '"><script>alert(1)</script>\u202Eevil\u200B';
const call = (event: Partial<AuditEvent>): AuditEvent => ({
  kind: 'tool.call',
  credential: 'key_1',
  door: 'http',
  outcome: 'ok',
  ...event,
});
/** Of the lines in the table, newest first. */
const seqsIn = (html: string): readonly number[] =>
  [...html.matchAll(/href="\/admin\/audit\/(\d+)">\d+</g)].map(([, seq]) => Number(seq));
const linesIn = async (path: string) => {
  const { html } = await owner.get(path);
  return seqsIn(html).map((seq) => gate.gateway.audit.head() && lineOf(seq));
};
const lineOf = (seq: number): Record<string, unknown> =>
  JSON.parse(
    String(gate.gateway.store.db.prepare('SELECT line FROM audit WHERE seq = ?').pluck().get(seq)),
  ) as Record<string, unknown>;

beforeAll(async () => {
  gate = await openTestGateway();
  record(
    call({ agent: 'claude', tool: 'get_quotes', args: { symbols: ['SPX'] }, latencyMs: 1.26 }),
    call({ agent: 'claude', tool: 'place_order', scope: 'write:orders', detail: { order_id: 'ord_1' } }),
    call({ agent: 'scalper', tool: 'place_order', outcome: 'refused', detail: { reason: 'price_collar' } }),
    {
      kind: 'order.transition',
      agent: 'claude',
      outcome: 'ok',
      detail: { order_id: 'ord_1', from: 'open', to: 'filled' },
    },
    call({
      agent: 'scalper',
      tool: HOSTILE,
      outcome: 'refused',
      detail: { reason: HOSTILE, [HOSTILE]: HOSTILE },
    }),
    { kind: 'kill', credential: 'owner', door: 'cli', outcome: 'ok' },
  );
  // A day later, so that a time can be asked for.
  gate.clock.setWall(gate.clock.wallMs() + 24 * 3_600_000);
  owner = consoleClient(gate.url, await signedIn(gate));
  record(call({ agent: 'claude', tool: 'get_bars' }));
});
afterAll(() => gate.close());

describe('the filter in the address', () => {
  test.each([
    ['agent=claude', { agent: 'claude' }, 4],
    ['agent=-&kind=kill', { agent: null, kind: 'kill' }, 1],
    ['tool=place_order', { tool: 'place_order' }, 2],
    ['outcome=refused', { outcome: 'refused' }, 2],
    ['kind=order.*', { kind: 'order.transition' }, 1],
    [
      'agent=scalper&tool=place_order&outcome=refused&kind=tool.call',
      { agent: 'scalper', tool: 'place_order' },
      1,
    ],
    ['order=ord_1', {}, 2],
    ['order=ord_1&agent=scalper', {}, 0],
    ['tool=get_bars&since=2026-01-06', { tool: 'get_bars' }, 1],
    ['agent=claude&until=2026-01-05', { agent: 'claude' }, 3],
    ['tool=get_bars&until=2026-01-06T11:59', {}, 0],
    ['agent=nobody', {}, 0],
  ])('%s', async (query, shape, count) => {
    const found = await linesIn(`/admin/audit?${query}`);
    expect(found).toHaveLength(count);
    for (const line of found) expect(line).toMatchObject(shape);
  });

  test('stands in the form again, and in the addresses of the copies', async () => {
    const { html } = await owner.get('/admin/audit?agent=claude&kind=order.*&since=2026-01-05T00:00');
    expect(html).toContain('<option value="claude" selected>');
    expect(html).toContain('<option value="order.*" selected>');
    expect(html).toContain('value="2026-01-05T00:00"');
    expect(html).toContain(
      'href="/admin/audit/record.csv?agent=claude&amp;kind=order.*&amp;since=2026-01-05T00%3A00"',
    );
  });

  test.each([
    ['outcome=okay', 'outcome'],
    ['kind=DROP TABLE', 'kind'],
    ['since=yesterday', 'since'],
    ['until=2026-13-01', 'until'],
    [`order=${'x'.repeat(65)}`, 'order'],
  ])('%s can not be read: it is named, and nothing is listed or exported', async (query, field) => {
    const page = await owner.get(`/admin/audit?${query}`);
    expect(page.words).toContain('Nothing is listed, because the filter can not be read');
    expect(page.html).toContain(`<code>${field}</code>`);
    expect(seqsIn(page.html)).toEqual([]);
    expect(page.html).not.toContain('record.csv');
    const file = await owner.get(`/admin/audit/record.csv?${query}`);
    expect(file.status).toBe(400);
    expect(file.words).toContain('Nothing was exported');
  });

  test('leads from page to page and back', async () => {
    record(
      ...Array.from({ length: CONSOLE_ROWS_MAX + 10 }, () => call({ agent: 'busy', tool: 'get_quotes' })),
    );
    const first = await owner.get('/admin/audit?agent=busy');
    expect(seqsIn(first.html)).toHaveLength(CONSOLE_ROWS_MAX);
    const older = /href="([^"]+)" rel="next"/.exec(first.html)?.[1]?.replaceAll('&amp;', '&') ?? '';
    const second = await owner.get(older);
    expect(seqsIn(second.html)).toHaveLength(10);
    expect(Math.max(...seqsIn(second.html))).toBeLessThan(Math.min(...seqsIn(first.html)));
    expect(second.html).not.toContain('rel="next"');
    const newer = /href="([^"]+)" rel="prev"/.exec(second.html)?.[1]?.replaceAll('&amp;', '&') ?? '';
    expect(seqsIn((await owner.get(newer)).html)).toEqual(seqsIn(first.html));
  });
});

describe('who did it', () => {
  const who = async (query: string): Promise<readonly (string | undefined)[]> =>
    rowsOf((await owner.get(`/admin/audit?${query}`)).html).map((row) => row[2]);

  test('is an agent, you, the gateway or a stranger, in the list, on the line and in the filter', async () => {
    const { trading } = gate.gateway.engine;
    await trading.owner.kill({ cancel: 'adding', flatten: false });
    expect(trading.resume('cli').ok).toBe(true);
    record(
      { kind: 'auth.denied', door: 'http', outcome: 'refused' },
      { kind: 'feed.back', outcome: 'ok' },
      { kind: 'order.placed', agent: 'owner', credential: 'owner', door: 'console', outcome: 'ok' },
    );
    expect(await who('kind=kill')).toEqual(['you', 'you']);
    expect(await who('kind=resume')).toEqual(['you']);
    expect(await who('kind=kill.report')).toEqual(['you']);
    expect(await who('kind=feed.back')).toEqual(['the gateway']);
    expect(await who('kind=auth.denied')).toEqual(['a stranger']);
    expect(await who('kind=order.placed')).toEqual(['you']);
    const [seq] = seqsIn((await owner.get('/admin/audit?kind=feed.back')).html);
    expect((await owner.get(`/admin/audit/${seq}`)).words).toContain('Agent the gateway');
    const { words } = await owner.get('/admin/audit');
    expect(words).toContain('you: your own orders');
    expect(words).toContain('you, the gateway: what no agent did');
    expect(words).not.toContain('no agent:');
  });
});

test('words of agents are shown as words, and what can not be seen is left out', async () => {
  for (const path of ['/admin/audit?agent=scalper', '/admin/traffic?window=7d']) {
    const { html } = await owner.get(path);
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;evil');
    expect(html).not.toMatch(/<script>alert|[\u202E\u200B]/);
  }
});

describe('a copy', () => {
  test('is the lines of the filter, as they stand in the file, and is asked for on the record', async () => {
    const answer = await owner.get('/admin/audit/record.jsonl?agent=claude');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="record.jsonl"');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    gate.gateway.audit.flush();
    const file = readFileSync(join(gate.config.LOG_DIR, 'audit.jsonl'), 'utf8').split('\n');
    const lines = answer.html.split('\n').slice(0, -1);
    expect(lines.length).toBeGreaterThan(3);
    for (const line of lines) expect(file).toContain(line);
    expect(lines.every((line) => line.includes('"agent":"claude"'))).toBe(true);
    expect(lineOf(gate.gateway.audit.head().seq)).toMatchObject({
      kind: 'audit.exported',
      detail: { format: 'jsonl', filter: { agent: 'claude' } },
    });
  });

  test('as a table opens in a spreadsheet and runs nothing there', async () => {
    record(call({ agent: '=cmd', tool: 'get_quotes' }));
    const answer = await owner.get('/admin/audit/record.csv?agent=%3Dcmd');
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(answer.html).toMatch(/^seq,time,kind,agent.*\r\n\d+,[^,]+,tool\.call,"'=cmd",/);
  });

  test('is for who is signed in', async () => {
    for (const name of ['record.jsonl', 'record.csv']) {
      const answer = await fetch(`${gate.url}/admin/audit/${name}`, { redirect: 'manual' });
      expect([answer.status, answer.headers.get('location')]).toEqual([
        303,
        expect.stringContaining('/admin/login'),
      ]);
      expect(await answer.text()).not.toContain('claude');
    }
  });
});

describe('one line', () => {
  const first = () =>
    Number(
      gate.gateway.store.db.prepare(`SELECT min(seq) FROM audit WHERE tool = 'get_quotes'`).pluck().get(),
    );

  test('shows what its call was given only when it is opened, and that is on the record', async () => {
    const seq = first();
    const before = await owner.get(`/admin/audit/${seq}`);
    expect(before.words).toContain('1.3 ms');
    expect(before.words).toContain('It is sealed in the database');
    expect(before.html).not.toContain('SPX');
    const lines = gate.gateway.audit.head().seq;
    await owner.get(`/admin/audit/${seq}`);
    expect(gate.gateway.audit.head().seq).toBe(lines);
    const opened = await owner.post(`/admin/audit/${seq}/open`);
    expect(opened.status).toBe(200);
    expect(opened.words).toContain('SPX');
    expect(lineOf(gate.gateway.audit.head().seq)).toMatchObject({
      kind: 'audit.arguments_opened',
      credential: 'owner',
      door: 'console',
      detail: { line: seq },
    });
    expect((await owner.get(`/admin/audit/${seq}`)).html).not.toContain('SPX');
  });

  test('without arguments has none to open; what there is not is not found', async () => {
    const { seq } = lineOf(gate.gateway.audit.head().seq);
    expect((await owner.get(`/admin/audit/${String(seq)}`)).words).toContain('recorded without arguments');
    expect((await owner.post(`/admin/audit/${String(seq)}/open`)).words).toContain(
      'was recorded without arguments',
    );
    for (const path of ['0', '-1', '99999999', 'x', '1e2', '9'.repeat(40)])
      expect((await owner.get(`/admin/audit/${path}`)).status, path).toBe(404);
  });

  test('is not opened by a form from elsewhere', async () => {
    const lines = gate.gateway.audit.head().seq;
    const answer = await fetch(`${gate.url}/admin/audit/${first()}/open`, {
      method: 'POST',
      redirect: 'manual',
    });
    expect(answer.status).toBe(303);
    expect(gate.gateway.audit.head().seq).toBe(lines);
  });
});

describe('the badge', () => {
  test('says that nothing is known, then what was read, then what was not', async () => {
    expect((await owner.get('/admin/audit')).words).toContain('Not verified since this gateway started');
    const verified = await owner.follow('/admin/audit/verify?agent=claude');
    const head = gate.gateway.audit.head().seq;
    expect(verified.words).toContain(`Whole up to line ${head}`);
    expect(verified.words).toContain('Nothing has been recorded since');
    expect(verified.html).toContain('<option value="claude" selected>');
    record({ kind: 'kill', outcome: 'ok' });
    const later = await owner.get('/admin/audit');
    expect(later.words).toContain('1 line since then has not been looked at');
    expect(later.words).not.toContain('Broken');
  });

  test('names the first line that is not as it was written', async () => {
    const path = join(gate.config.LOG_DIR, 'audit.jsonl');
    gate.gateway.audit.flush();
    const good = readFileSync(path, 'utf8');
    writeFileSync(path, good.replace('"tool":"get_bars"', '"tool":"get_cars"'));
    const bad = Number(
      gate.gateway.store.db.prepare(`SELECT seq FROM audit WHERE tool = 'get_bars'`).pluck().get(),
    );
    const broken = await owner.follow('/admin/audit/verify');
    expect(broken.words).toContain(`Broken at line ${bad}`);
    expect(broken.words).toContain('the hash does not fit the line');
    expect(broken.words).not.toContain('Whole up to');
    writeFileSync(path, good);
    expect((await owner.follow('/admin/audit/verify')).words).toContain('Whole up to line');
  });
});
