/** What a remote client may do is what it registered for, the owner allowed and ticked: never more, whatever it asks for. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import { MANDATE } from '../support/portcullis.ts';
import {
  approve,
  authorization,
  callTool,
  codeIn,
  deskOf,
  exchange,
  refresh,
  register,
  resultOf,
  rpc,
  tokensOf,
} from '../support/remote-flow.ts';
import { openRemoteGateway, type RemoteGateway } from '../support/remote-gateway.ts';

const ALL = ['read:market', 'read:account', 'write:orders'] as const;
const ORDER = { symbol: 'SPX', side: 'buy', qty: '1', type: 'market' };

let at: RemoteGateway;
beforeAll(async () => {
  at = await openRemoteGateway({
    settings: { MCP_OAUTH_WRITE_SCOPE_ENABLED: 'true' },
    totp: ['remote_write'],
  });
});
afterAll(() => at.close());

const toolNames = async (access: string): Promise<readonly string[]> => {
  const { body } = await rpc(at, access, 'tools/list');
  return (body as { result: { tools: { name: string }[] } }).result.tools.map(({ name }) => name);
};

describe('a client that registered for read:market', () => {
  test('is offered, granted and allowed nothing else', async () => {
    const { body } = await register(at, { scope: 'read:market' });
    const clientId = String(body['client_id']);
    approve(at, clientId);
    expect(deskOf(at).find(clientId)?.ceiling).toEqual(['read:market']);
    const widened = deskOf(at).changeCeiling({ clientId, scopes: [...ALL], by: OWNER_CLI });
    expect(deskOf(at).find(clientId)?.ceiling, JSON.stringify(widened)).toEqual(['read:market']);

    const asked = authorization(at, { clientId, scope: ALL.join(' ') });
    const browser = at.browser();
    const signIn = await browser.open(asked.url);
    const { name, passphrase } = at.owner;
    const consent = await browser.send(signIn, browser.form(signIn, '/sign-in'), { name, passphrase });
    const form = browser.form(consent, '/consent');
    const offered = form.fields.filter((field) => field.name === 'scopes').map(({ value }) => value);
    expect(offered).toEqual(['read:market']);

    const forged = await browser.send(consent, form, {}, { scopes: ['write:orders'], code: at.owner.code() });
    expect(forged.left).toBeUndefined();
    expect(forged.status).toBeGreaterThanOrEqual(400);
    expect(deskOf(at).grants({ clientId, limit: 10 })).toEqual([]);

    const left = await browser.grant(forged);
    const tokens = tokensOf(await exchange(at, asked, codeIn(left)));
    expect(tokens.scope).toBe('read:market');
    expect(await toolNames(tokens.access)).not.toContain('list_accounts');
    for (const [tool, needed] of [
      ['list_accounts', 'read:account'],
      ['place_order', 'write:orders'],
    ] as const) {
      const refused = await callTool(at, tokens.access, tool, tool === 'place_order' ? ORDER : {});
      expect(refused.status, tool).toBe(403);
      const challenge = refused.headers.get('www-authenticate') ?? '';
      expect(challenge, tool).toContain('error="insufficient_scope"');
      expect(challenge, tool).toMatch(new RegExp(`scope="[^"]*${needed}[^"]*"`));
    }

    const more = await refresh(at, clientId, tokens.refresh, { scope: ALL.join(' ') });
    expect([more.status, more.body['error']]).toEqual([400, 'invalid_scope']);
    const same = tokensOf(await refresh(at, clientId, tokens.refresh));
    expect(same.scope).toBe('read:market');
  });
});

describe('a client that may write', () => {
  async function writer() {
    const { body } = await register(at);
    const clientId = String(body['client_id']);
    approve(at, clientId, { agent: 'trader', scopes: ALL });
    const asked = authorization(at, { clientId, scope: ALL.join(' ') });
    const browser = at.browser();
    const signIn = await browser.open(asked.url);
    const { name, passphrase } = at.owner;
    const consent = await browser.send(signIn, browser.form(signIn, '/sign-in'), { name, passphrase });
    return { clientId, asked, browser, consent };
  }

  test('is offered write unticked, and gets it only with a tick and a code; the order stands in the line', async () => {
    const { clientId, asked, browser, consent } = await writer();
    expect(at.gateway.access.mandates.set('trader', MANDATE, OWNER_CLI).ok).toBe(true);
    const ticks = browser
      .form(consent, '/consent')
      .fields.filter(({ name }) => name === 'scopes')
      .map(({ value, sent }) => [value, sent]);
    expect(ticks).toEqual([
      ['read:market', true],
      ['read:account', true],
      ['write:orders', false],
    ]);

    const without = await browser.send(consent, browser.form(consent, '/consent'), { scopes: ALL });
    expect(without.left).toBeUndefined();
    expect(without.status).toBeGreaterThanOrEqual(400);
    const left = await browser.grant(without, { scopes: ALL, code: at.owner.code() });
    const tokens = tokensOf(await exchange(at, asked, codeIn(left)));
    expect(tokens.scope.split(' ').toSorted()).toEqual([...ALL].toSorted());
    const [grant] = deskOf(at).grants({ clientId, limit: 10 });
    expect(grant).toMatchObject({ scopes: ALL, ended: null });
    expect(grant?.steppedUpAtMs).not.toBeNull();

    const preview = resultOf(await callTool(at, tokens.access, 'place_order', ORDER));
    expect(preview).toMatchObject({ dry_run: true });
    const commit = {
      ...ORDER,
      dry_run: false,
      action_token: preview['action_token'],
      idempotency_key: crypto.randomUUID(),
    };
    const placed = resultOf(await callTool(at, tokens.access, 'place_order', commit));
    expect(placed).toMatchObject({ dry_run: false, order: { symbol: 'SPX', side: 'buy', qty: '1' } });
    const orders = resultOf(await callTool(at, tokens.access, 'get_orders', { status: 'all' }));
    expect(orders).toMatchObject({ orders: [{ symbol: 'SPX', qty: '1' }] });

    const { credential = '' } = deskOf(at).find(clientId) ?? {};
    at.gateway.audit.flush();
    const record = readFileSync(join(at.gateway.config.LOG_DIR, 'audit.jsonl'), 'utf8').split('\n');
    const lines = record.filter((line) => line.includes('"place_order"') && line.includes(credential));
    expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
      expect.objectContaining({ agent: 'trader', credential, door: 'http', outcome: 'ok' }),
      expect.objectContaining({ agent: 'trader', credential, door: 'http', outcome: 'ok', account: 'paper' }),
    ]);

    const renewed = tokensOf(await refresh(at, clientId, tokens.refresh));
    expect(renewed.scope.split(' ').toSorted()).toEqual([...ALL].toSorted());
  });

  test('whose person left it unticked reads, and cannot place an order', async () => {
    const { asked, browser, consent } = await writer();
    const left = await browser.grant(consent);
    const tokens = tokensOf(await exchange(at, asked, codeIn(left)));
    expect(tokens.scope.split(' ').toSorted()).toEqual(['read:account', 'read:market']);
    expect(await toolNames(tokens.access)).not.toContain('place_order');
    const refused = await callTool(at, tokens.access, 'place_order', ORDER);
    expect(refused.status).toBe(403);
    expect(refused.headers.get('www-authenticate')).toMatch(/scope="[^"]*write:orders[^"]*"/);
  });

  test('whose person ticks nothing is denied', async () => {
    const { browser, consent } = await writer();
    const left = await browser.grant(consent, { scopes: [] });
    expect(left.searchParams.get('error')).toBe('access_denied');
    expect(left.searchParams.get('code')).toBeNull();
  });
});
