/** The pages of agents: made with mandate and key, halted and lifted, their keys shown once, their mandates edited. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OWNER, signedIn } from '../support/browser.ts';
import { type ConsoleClient, consoleClient } from '../support/console-client.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';

let gate: TestGateway;
let owner: ConsoleClient;
beforeAll(async () => {
  gate = await openTestGateway();
  owner = consoleClient(gate.url, await signedIn(gate));
  // What proved who signed in is too old to prove anything else.
  gate.clock.advance(6 * 60_000);
});
afterAll(() => gate.close());

const { passphrase } = OWNER;
const KEY = /pcl_[\w-]{43}/;
const addition = {
  name: 'scalper',
  accounts: 'paper',
  template: 'small',
  scopes: ['read:market', 'write:orders'],
  span: '30d',
  ip_allow: '',
};
/** What a person would send who saw this page, its values as they stand. */
function fieldsOf(html: string): Record<string, string | string[]> {
  const fields: Record<string, string[]> = {};
  const add = (name: string, value: string) => void (fields[name] ??= []).push(value);
  for (const [tag] of html.matchAll(/<input [^>]*>/g)) {
    const of = (attribute: string) => new RegExp(`\\b${attribute}="([^"]*)"`).exec(tag)?.[1];
    const name = of('name');
    if (name === undefined || name.startsWith('_')) continue;
    if (['checkbox', 'radio'].includes(of('type') ?? '') && !/ checked/.test(tag)) continue;
    add(name, of('value') ?? '');
  }
  for (const [, name = '', options = ''] of html.matchAll(
    /<select [^>]*name="([^"]*)"[^>]*>([^]*?)<\/select>/g,
  ))
    add(name, /value="([^"]*)" selected/.exec(options)?.[1] ?? /value="([^"]*)"/.exec(options)?.[1] ?? '');
  for (const [, name = '', written = ''] of html.matchAll(
    /<textarea [^>]*name="([^"]*)"[^>]*>([^]*?)<\/textarea>/g,
  ))
    add(name, written.replaceAll('&quot;', '"'));
  return Object.fromEntries(
    Object.entries(fields).map(([name, all]) => [name, all.length === 1 ? (all[0] ?? '') : all]),
  );
}
const idOf = (name: string) => {
  const found = gate.gateway.access.agents.byName(name);
  if (!found) throw new Error(`no agent ${name}`);
  return found.id;
};

describe('adding an agent', () => {
  test('asks for proof first, and until then nothing is made', async () => {
    const asked = await owner.post('/admin/agents/add', addition);
    expect(asked.status).toBe(403);
    expect(asked.words).toContain('Nothing has been done yet');
    // Sent again with the proof, it is the same form.
    expect(asked.html).toContain('<input type="hidden" name="scopes" value="write:orders">');
    expect((await owner.post('/admin/agents/add', addition, 'not the passphrase')).status).toBe(401);
    expect(gate.gateway.access.agents.byName('scalper')).toBeUndefined();
  });

  test('says what each template allows in figures', async () => {
    const { words } = await owner.get('/admin/agents');
    expect(words).toContain(
      'One order up to 2,000.00, a day up to 10,000.00, a loss in a day up to 200.00 USD.',
    );
  });

  test('asks for no code for what is refused anyway', async () => {
    for (const wrong of [
      { name: 'Not A Name' },
      { scopes: [] },
      { ip_allow: 'the moon' },
      { accounts: 'none' },
    ]) {
      const refused = await owner.post('/admin/agents/add', { ...addition, name: 'unmade', ...wrong });
      expect([refused.status, refused.words]).toEqual([400, expect.not.stringContaining('Confirm that')]);
    }
    expect(gate.gateway.access.agents.byName('unmade')).toBeUndefined();
    expect((await owner.post('/admin/agents/add', { ...addition, name: 'unmade' })).status).toBe(403);
    expect(gate.gateway.access.agents.byName('unmade')).toBeUndefined();
  });

  test('makes it with its mandate and a key that is shown once', async () => {
    const made = await owner.post('/admin/agents/add', addition, passphrase);
    expect(made.status).toBe(200);
    const key = KEY.exec(made.html)?.[0] ?? '';
    const from = { door: 'http', address: '127.0.0.1' } as const;
    expect(gate.gateway.access.keys.authenticate(key, from)).toMatchObject({
      ok: true,
      value: { agentName: 'scalper' },
    });
    expect(gate.gateway.access.mandates.current(idOf('scalper'))?.document.max_order_value).toBe('2000');
    expect(made.words).toContain('Never paste it into a chat');
    for (const path of ['/admin/agents', '/admin/agents/scalper', '/admin/connect?agent=scalper'])
      expect((await owner.get(path)).html).not.toMatch(KEY);
    gate.gateway.audit.flush();
    expect(JSON.stringify(gate.logged)).not.toContain(key);
  });

  test('keeps what was entered when it is refused, and makes nothing', async () => {
    const refused = await owner.post('/admin/agents/add', { ...addition, name: 'Not A Name', span: '365d' });
    expect(refused.status).toBe(400);
    expect(refused.html).toContain('value="Not A Name"');
    expect(refused.html).toMatch(/value="365d" selected/);
    expect(refused.words).toContain('malformed');
    const noScope = await owner.post('/admin/agents/add', { ...addition, name: 'other', scopes: [] });
    expect(noScope.status).toBe(400);
    expect(gate.gateway.access.agents.byName('other')).toBeUndefined();
  });
});

describe('an agent', () => {
  test('shows what of its mandate is used', async () => {
    const page = await owner.get('/admin/agents/scalper');
    expect(page.words).toContain('0.00 of 10,000.00 USD');
    expect(page.words).toContain('at most 10 units and 2,000.00 USD');
    expect(page.words).toContain('previewed first, then sent');
    expect((await owner.get('/admin/agents/nobody')).status).toBe(404);
  });

  test('is halted at once and lifted with proof', async () => {
    const halted = await owner.follow('/admin/agents/scalper/halt');
    expect(halted.words).toContain('scalper is halted; 0 of its orders');
    expect(gate.gateway.access.agents.stateOf(idOf('scalper')).state).toBe('HALTED');
    const lifted = await owner.follow('/admin/agents/scalper/lift', {}, passphrase);
    expect(lifted.words).toContain('the agent is ACTIVE');
    // Told once.
    expect((await owner.get('/admin/agents/scalper')).words).not.toContain('The halt is lifted');
  });

  test('gets a key within scopes, span and addresses; rotating ends the old one, revoking the new one', async () => {
    const form = { scopes: 'read:market', span: '7d', ip_allow: '127.0.0.1, 10.0.0.0/8' };
    const made = await owner.post('/admin/agents/scalper/create-key', form, passphrase);
    const id = gate.gateway.access.keys.list().at(-1)?.id ?? '';
    expect(gate.gateway.access.keys.list().at(-1)).toMatchObject({
      agent: 'scalper',
      scopes: ['read:market'],
      ipAllow: ['127.0.0.1/32', '10.0.0.0/8'],
    });
    const rotated = await owner.post('/admin/agents/scalper/rotate-key', { id });
    const [before = '', after = ''] = [made, rotated].map(({ html }) => KEY.exec(html)?.[0] ?? '');
    const from = { door: 'http', address: '127.0.0.1' } as const;
    expect(gate.gateway.access.keys.authenticate(before, from).ok).toBe(false);
    expect(gate.gateway.access.keys.authenticate(after, from).ok).toBe(true);
    const next = gate.gateway.access.keys.list().at(-1)?.id ?? '';
    await owner.follow('/admin/agents/scalper/revoke-key', { id: next });
    expect(gate.gateway.access.keys.authenticate(after, from).ok).toBe(false);
  });

  test('asks before a key is rotated or revoked, says what ends, and offers to copy the new one', async () => {
    gate.clock.advance(6 * 60_000);
    const form = { scopes: 'read:market', span: '7d', ip_allow: '' };
    const refused = await owner.post('/admin/agents/scalper/create-key', { ...form, ip_allow: 'x' });
    expect(refused.status).toBe(400);
    const made = await owner.post('/admin/agents/scalper/create-key', form, passphrase);
    expect(made.html).toMatch(/<pre data-copy><code>pcl_/);
    expect(made.html).toContain('/copy.js');
    const { html } = await owner.get('/admin/agents/scalper');
    for (const act of ['rotate-key', 'revoke-key'])
      expect(html).toMatch(
        new RegExp(
          `<details><summary>R\\w+ …</summary>\\s*<form method="post" action="/admin/agents/scalper/${act}">[^]*?opens nothing from then on`,
        ),
      );
    expect(html).toContain('data-label="Last used"');
    expect(html).not.toContain('Lift …');
  });

  test('has its own keys only: another one’s is not rotated or revoked through its page', async () => {
    const { id, key } = gate.key('neighbour');
    for (const act of ['rotate-key', 'revoke-key'])
      expect((await owner.post(`/admin/agents/scalper/${act}`, { id })).status).toBe(404);
    expect(gate.gateway.access.keys.authenticate(key, { door: 'http', address: '127.0.0.1' }).ok).toBe(true);
  });

  test('that does not exist is not made by asking for its key', async () => {
    const form = { scopes: 'read:market', span: '7d', ip_allow: '' };
    expect((await owner.post('/admin/agents/ghost/create-key', form)).status).toBe(404);
    expect(gate.gateway.access.agents.byName('ghost')).toBeUndefined();
  });
});

describe('the editor of a mandate', () => {
  test('sends what it shows: saved unchanged, the document is the same in a new version', async () => {
    const before = gate.gateway.access.mandates.current(idOf('scalper'));
    const page = await owner.get('/admin/agents/scalper/mandate');
    const { template: _filter, ...fields } = fieldsOf(page.html);
    const saved = await owner.follow('/admin/agents/scalper/mandate/save', fields);
    expect(saved.words).toContain('Version 2 of the mandate is in force');
    const after = gate.gateway.access.mandates.current(idOf('scalper'));
    expect(after?.document).toEqual(before?.document);
  });

  test('opens a template and saves it', async () => {
    const page = await owner.get('/admin/agents/scalper/mandate?template=close_only');
    const { template: _filter, ...fields } = fieldsOf(page.html);
    await owner.follow('/admin/agents/scalper/mandate/save', fields);
    expect(gate.gateway.access.mandates.current(idOf('scalper'))?.document).toMatchObject({
      may_reduce: 'account',
      max_order_value: '0',
    });
  });

  test('names every field that is wrong, keeps what was entered, and changes nothing', async () => {
    const page = await owner.get('/admin/agents/scalper/mandate?template=small');
    const { template: _filter, ...fields } = fieldsOf(page.html);
    const before = gate.gateway.access.mandates.current(idOf('scalper'))?.version;
    const wrong = { ...fields, symbols: 'SPX, SPQ', max_daily_value: 'a lot', order_types: 'stop_limit' };
    const refused = await owner.post('/admin/agents/scalper/mandate/save', wrong);
    expect(refused.status).toBe(400);
    expect(refused.html).toMatch(
      /id="save-max_daily_value-wrong">an amount of 0 or more, such as 1000 or 0.5</,
    );
    expect(refused.html).toContain('value="a lot"');
    // One box was ticked: not the one whose name is part of it.
    expect(refused.html).toMatch(/value="stop_limit" checked/);
    expect(refused.html).not.toMatch(/value="stop" checked/);
    expect(refused.words).not.toContain('decimal string');
    const unknown = await owner.post('/admin/agents/scalper/mandate/save', {
      ...wrong,
      max_daily_value: '10',
    });
    expect(unknown.words).toContain('SPQ');
    expect(gate.gateway.access.mandates.current(idOf('scalper'))?.version).toBe(before);
  });
});

describe('the tests of a mandate', () => {
  const tests = [
    {
      order: { symbol: 'SPX', side: 'buy', type: 'limit', qty: '1000', limit_price: '1450' },
      expect: 'deny',
    },
  ];
  const fields = async (template = ''): Promise<Record<string, string | string[]>> => {
    const page = await owner.get(`/admin/agents/scalper/mandate?template=${template}`);
    const { template: _filter, ...rest } = fieldsOf(page.html);
    return rest;
  };
  const current = () => gate.gateway.access.mandates.current(idOf('scalper'));

  test('go through an edit and through a template, and keep what breaks one from being saved', async () => {
    await owner.follow('/admin/agents/scalper/mandate/save', {
      ...(await fields('small')),
      tests: JSON.stringify(tests),
    });
    expect(current()?.document.tests).toEqual(tests);
    await owner.follow('/admin/agents/scalper/mandate/save', await fields('practice'));
    expect(current()?.document.tests).toEqual(tests);
    const before = current()?.version;
    const looser = {
      ...(await fields()),
      max_order_qty: '1000',
      max_order_value: '9000000',
      max_daily_value: '9000000',
      max_gross_exposure: '9000000',
      approval: 'never',
    };
    const refused = await owner.post('/admin/agents/scalper/mandate/save', looser);
    expect(refused.status).toBe(400);
    expect(refused.html).toMatch(
      /id="save-tests-wrong">test 1: expected deny, and the mandate would allow it/,
    );
    expect(current()?.version).toBe(before);
    const unread = await owner.post('/admin/agents/scalper/mandate/save', {
      ...(await fields()),
      tests: '[{',
    });
    expect(unread.html).toContain('a JSON list of tests, or nothing');
    await owner.follow('/admin/agents/scalper/mandate/save', { ...(await fields()), tests: '' });
    expect(current()?.document).not.toHaveProperty('tests');
  });
});

describe('a mandate that is wrong', () => {
  const wrong = {
    sides: [],
    max_order_qty: 'ten',
    trading_hours: 'window',
    hours_timezone: 'Mars/Base',
    hours_from: '9',
    hours_to: '17:30',
    hours_days: [],
    approval: 'above',
    approval_above: 'much',
  };
  const fields = async () => {
    const { template: _filter, ...rest } = fieldsOf(
      (await owner.get('/admin/agents/scalper/mandate?template=small')).html,
    );
    return rest;
  };

  test('is refused before a code is asked for, each field marked at the field and said once', async () => {
    gate.clock.advance(6 * 60_000);
    const { html, status, words } = await owner.post('/admin/agents/scalper/mandate/save', {
      ...(await fields()),
      ...wrong,
    });
    expect(status).toBe(400);
    for (const field of [
      'sides',
      'max_order_qty',
      'hours_timezone',
      'hours_from',
      'hours_days',
      'approval_above',
    ])
      expect(html.match(new RegExp(`id="save-${field}-wrong"`, 'g')), field).toHaveLength(1);
    expect(words).toContain('Time zone of the hours: a time zone such as Europe/Berlin');
    expect(words).not.toMatch(/trading_hours\.|approval\.above|IANA|decimal string/);
  });

  test('costs no code either; the right one is asked for it', async () => {
    const before = gate.gateway.access.mandates.current(idOf('scalper'))?.version;
    const backwards = { ...(await fields()), trading_hours: 'window', hours_from: '18:00' };
    const refused = await owner.post('/admin/agents/scalper/mandate/save', backwards, passphrase);
    expect(refused.html).toContain('id="save-trading_hours-wrong"');
    expect((await owner.post('/admin/agents/scalper/mandate/save', await fields())).status).toBe(403);
    expect(gate.gateway.access.mandates.current(idOf('scalper'))?.version).toBe(before);
  });
});

describe('connect', () => {
  test('offers to copy what is to be pasted', async () => {
    const { html } = await owner.get('/admin/connect?host=codex');
    expect(html).toContain('/copy.js');
    expect(html).not.toMatch(/<pre tabindex="0"><code>/);
  });

  test('names the real address and paths for every host, and no key', async () => {
    const page = await owner.get('/admin/connect');
    const hosts = [...page.html.matchAll(/\/admin\/connect\?host=([\w-]+)/g)].map(([, id]) => id);
    expect(hosts).toEqual([
      'claude-code',
      'claude-desktop',
      'cursor',
      'vs-code',
      'windsurf',
      'codex',
      'curl',
    ]);
    for (const host of hosts) {
      const { words } = await owner.get(`/admin/connect?host=${host}`);
      expect(words).toMatch(new RegExp(`${gate.url.replaceAll('.', '\\.')}|bin/portcullis\\.mjs`));
      expect(words).not.toMatch(KEY);
    }
  });

  test('links that install with one click ask for the key or read it, and hold none', async () => {
    const cursor = /cursor:[^"]+/.exec((await owner.get('/admin/connect?host=cursor')).html)?.[0] ?? '';
    const config = decodeURIComponent(/config=([^&]+)/.exec(cursor)?.[1] ?? '');
    expect(JSON.parse(Buffer.from(config, 'base64').toString())).toEqual({
      url: `${gate.url}/mcp`,
      headers: { Authorization: 'Bearer ${env:PORTCULLIS_KEY}' },
    });
    const code =
      /vscode:mcp\/install\?([^"]+)/.exec((await owner.get('/admin/connect?host=vs-code')).html)?.[1] ?? '';
    expect(JSON.parse(decodeURIComponent(code))).toMatchObject({
      name: 'portcullis',
      type: 'http',
      url: `${gate.url}/mcp`,
    });
  });
});
