/** A consent is one commit: where its grant is refused at the last look, neither its code is spent nor its client approved. */
import { afterEach, expect, test } from 'vitest';
import { atConsent, grantsOf, post, recorded } from '../support/consent-scene.ts';
import { deskOf, register } from '../support/remote-flow.ts';
import { openRemoteGateway, type RemoteGateway } from '../support/remote-gateway.ts';

let at: RemoteGateway;
afterEach(() => at.close());

/** Within that very commit everything is taken from every client. */
const narrowWith = (change: string): void =>
  void at.gateway.store.db.exec(
    `CREATE TRIGGER narrowed AFTER UPDATE OF ${change} BEGIN UPDATE oauth_clients SET ceiling = ''; END`,
  );
const narrowNoMore = (): void => void at.gateway.store.db.exec('DROP TRIGGER narrowed');
const ceilingOf = (clientId: string): unknown =>
  at.gateway.store.db.prepare('SELECT ceiling FROM oauth_clients WHERE client_id = ?').pluck().get(clientId);

test('its client is not approved by it', async () => {
  at = await openRemoteGateway({ settings: { MCP_OAUTH_REQUIRE_APPROVAL: 'false' } });
  const { body } = await register(at);
  const clientId = String(body['client_id']);
  const scene = await atConsent(at, { clientId });
  narrowWith('state ON oauth_clients');
  const consent = { scopes: ['read:market'], expires: '30' };
  const answer = await post(at, scene, 'consent', consent);
  expect([answer.status, answer.location]).toEqual([403, null]);
  expect(answer.html).toContain('More was ticked than this client may hold');
  expect(deskOf(at).find(clientId)).toMatchObject({ state: 'pending', agent: null });
  expect(recorded(at, 'oauth.client_approved')).toEqual([]);
  expect(recorded(at, 'agent.created')).toEqual([]);
  narrowNoMore();
  expect((await post(at, scene, 'consent', consent)).status).toBe(303);
  expect(deskOf(at).find(clientId)?.state).toBe('approved');
  expect(grantsOf(at, clientId)).toHaveLength(1);
});

test('its code is good for the next try', async () => {
  at = await openRemoteGateway({
    totp: ['remote_write'],
    settings: { MCP_OAUTH_WRITE_SCOPE_ENABLED: 'true' },
  });
  const scene = await atConsent(at);
  const before = ceilingOf(scene.clientId);
  narrowWith('totp_last_step ON owner');
  const consent = { scopes: ['write:orders'], expires: '30', code: at.owner.code() };
  const answer = await post(at, scene, 'consent', consent);
  expect([answer.status, answer.location]).toEqual([403, null]);
  expect([ceilingOf(scene.clientId), grantsOf(at, scene.clientId)]).toEqual([before, []]);
  narrowNoMore();
  expect((await post(at, scene, 'consent', consent)).status).toBe(303);
  expect(grantsOf(at, scene.clientId)).toMatchObject([{ scopes: ['write:orders'] }]);
});
