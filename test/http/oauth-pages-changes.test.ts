/** What changes while a page of an authorization is open: settings, approval, a restart, the kill switch. */
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { OWNER_CLI, SCOPES } from '#domain/principal.ts';
import { MANDATE } from '../support/access-room.ts';
import {
  approvedClient,
  atConsent,
  atSignIn,
  grantsOf,
  post,
  type Scene,
  signInFields,
} from '../support/consent-scene.ts';
import { deskOf, register } from '../support/remote-flow.ts';
import {
  openRemoteGateway,
  type RemoteGateway,
  type RemoteGatewayOptions,
} from '../support/remote-gateway.ts';

const WRITING = { MCP_OAUTH_WRITE_SCOPE_ENABLED: 'true' };
const ALL = { scopes: [...SCOPES], expires: '7' };
const READ = { scopes: ['read:market'], expires: '7' };

let at: RemoteGateway;
async function open(o: RemoteGatewayOptions = {}): Promise<RemoteGateway> {
  at = await openRemoteGateway({ settings: WRITING, ...o });
  return at;
}
afterEach(() => at.close());

const granted = (scene: Scene): number => grantsOf(at, scene.clientId).length;

describe('where no approval is required', () => {
  const UNASKED = { settings: { MCP_OAUTH_REQUIRE_APPROVAL: 'false' } };
  const waiting = async (): Promise<string> => String((await register(at)).body['client_id']);

  test('the consent is one: a new agent without a mandate, for scopes that read', async () => {
    await open(UNASKED);
    const clientId = await waiting();
    const scene = await atConsent(at, { clientId });
    expect(scene.page.words).toContain('makes a new agent for it');
    expect(scene.page.words).toContain('no mandate: it can not trade');
    const forged = await post(at, scene, 'consent', { ...ALL });
    expect([forged.status, deskOf(at).find(clientId)?.state]).toEqual([403, 'pending']);
    expect((await post(at, scene, 'consent', READ)).status).toBe(303);
    const client = deskOf(at).find(clientId);
    expect([client?.state, client?.agent?.name]).toEqual(['approved', 'example-host']);
    expect(grantsOf(at, clientId).map(({ scopes }) => scopes)).toEqual([['read:market']]);
  });

  test('a denial approves nobody', async () => {
    await open(UNASKED);
    const clientId = await waiting();
    const scene = await atConsent(at, { clientId });
    await scene.browser.grant(scene.page, { deny: true });
    expect([deskOf(at).find(clientId)?.state, granted(scene)]).toEqual(['pending', 0]);
  });

  test('required again while the page is open: the client waits, and a consent gives nothing', async () => {
    await open({ settings: {} });
    const { settings } = at.gateway.console;
    expect((await settings.save({ MCP_OAUTH_REQUIRE_APPROVAL: 'false' })).ok).toBe(true);
    const clientId = await waiting();
    const scene = await atConsent(at, { clientId });
    expect((await settings.save({ MCP_OAUTH_REQUIRE_APPROVAL: 'true' })).ok).toBe(true);
    const answer = await post(at, scene, 'consent', READ);
    expect([answer.status, answer.location]).toEqual([403, null]);
    expect(answer.html).toContain('Waiting for the owner');
    expect([deskOf(at).find(clientId)?.state, granted(scene)]).toEqual(['pending', 0]);
  });
});

describe('what changes while the page is open', () => {
  test('writing switched off: a tick from before grants nothing, and is offered no more', async () => {
    await open({ settings: {} });
    const { settings } = at.gateway.console;
    expect((await settings.save({ MCP_OAUTH_WRITE_SCOPE_ENABLED: 'true' })).ok).toBe(true);
    const scene = await atConsent(at, { clientId: approvedClient(at) });
    expect(scene.page.html).toContain('value="write:orders"');
    expect((await settings.save({ MCP_OAUTH_WRITE_SCOPE_ENABLED: 'false' })).ok).toBe(true);
    const answer = await post(at, scene, 'consent', ALL);
    expect([answer.status, answer.location, granted(scene)]).toEqual([403, null, 0]);
    expect(answer.html).not.toContain('value="write:orders"');
  });

  test('a restart: the page that was open is good afterwards', async () => {
    await open();
    const [signing, consenting] = [await atSignIn(at), await atConsent(at)];
    await at.restart();
    expect((await post(at, signing, 'sign-in', signInFields(at))).status).toBe(303);
    expect((await post(at, consenting, 'consent', READ)).status).toBe(303);
    expect(granted(consenting)).toBe(1);
  });
});

describe('what the page has shown', () => {
  test('the client handed to another agent meanwhile: nobody consents to an agent they have not read of', async () => {
    await open();
    const scene = await atConsent(at, { agent: 'modest' });
    const { clientId } = scene;
    deskOf(at).revoke(clientId, OWNER_CLI);
    expect(deskOf(at).approve({ clientId, agent: 'whale', scopes: SCOPES, by: OWNER_CLI }).ok).toBe(true);
    const answer = await post(at, scene, 'consent', READ);
    expect([answer.status, answer.location, granted(scene)]).toEqual([409, null, 0]);
    expect(answer.html).toContain('whale');
    const read = { ...scene, page: { ...scene.page, html: answer.html } };
    expect((await post(at, read, 'consent', READ)).status).toBe(303);
    expect(granted(scene)).toBe(1);
  });

  test('the mandate made larger meanwhile: it is shown before anybody consents to it', async () => {
    await open();
    const mandate = (value: string) =>
      at.gateway.access.mandates.set('growing', { ...MANDATE, max_order_value: value }, OWNER_CLI);
    const clientId = approvedClient(at, { agent: 'growing' });
    expect(mandate('10').ok).toBe(true);
    const scene = await atConsent(at, { clientId });
    expect(mandate('99999').ok).toBe(true);
    const answer = await post(at, scene, 'consent', ALL);
    expect([answer.status, granted(scene)]).toEqual([409, 0]);
    expect(answer.html).toContain('99,999.00');
  });

  test('the passphrase changed since the sign-in: the page is over, whoever holds it', async () => {
    await open();
    const scene = await atConsent(at);
    const { owner } = at.gateway.access;
    const session = owner.openSession({ address: '127.0.0.1', userAgent: 'test' }).session.id;
    const next = 'seven ravens over the tower';
    const changed = await owner.changePassphrase({
      current: at.owner.passphrase,
      next,
      keepSessionId: session,
    });
    expect(changed.ok).toBe(true);
    const answer = await post(at, scene, 'consent', READ);
    expect([answer.status, answer.location, granted(scene)]).toEqual([404, null, 0]);
  });
});

describe('the kill switch', () => {
  const kill = () => at.gateway.trading.owner.kill({ cancel: 'none', flatten: false });
  const scenes = {
    waiting: async () => atSignIn(at, { clientId: String((await register(at)).body['client_id']) }),
    'sign-in': () => atSignIn(at),
    consent: () => atConsent(at),
  };
  const press = {
    waiting: (scene: Scene) => post(at, scene, 'continue'),
    'sign-in': (scene: Scene) => post(at, scene, 'sign-in', signInFields(at)),
    consent: (scene: Scene) => post(at, scene, 'consent', ALL),
  };

  test.each(['waiting', 'sign-in', 'consent'] as const)(
    'with the page %s open: it says so, and is over for good',
    async (which) => {
      await open();
      const scene = await scenes[which]();
      await kill();
      const [looked, pressed] = [await scene.browser.open(scene.page.url), await press[which](scene)];
      expect([looked.status, pressed.status, pressed.location]).toEqual([503, 503, null]);
      expect(looked.words).toContain('The gate is down');
      expect(pressed.html).toContain('The gate is down');
      expect(at.gateway.trading.owner.resume().ok).toBe(true);
      const [after, again] = [await scene.browser.open(scene.page.url), await press[which](scene)];
      expect([after.status, again.status, again.location]).toEqual([404, 404, null]);
      expect(deskOf(at).grants({ limit: 10 })).toEqual([]);
    },
  );

  test.each([
    ['the sign-in was right', 'owner.signed_in', 'sign-in'],
    ['the grant was written', 'oauth.granted', 'consent'],
  ] as const)('at the moment when %s: nothing of it opens anything', async (_what, kind, which) => {
    await open();
    const scene = await scenes[which]();
    const stop = at.gateway.audit.onRecorded((event) => {
      if (event.kind === kind) at.gateway.access.haltInMemory('kill');
    });
    onTestFinished(stop);
    const answer = await press[which](scene);
    expect([answer.status, answer.location]).toEqual([503, null]);
    expect(granted(scene)).toBe(0);
  });
});
