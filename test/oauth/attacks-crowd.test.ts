/** A thousand strangers' requests for authorization at once: the owner's own browser still comes through, and stays. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { INTERACTIONS_MAX, INTERACTIONS_PER_SITE_MAX } from '#limits.ts';
import { comeFromElsewhere, forgetAll, openAttacked, raw } from '../support/authorize-attack.ts';
import { approvedClient, signInFields } from '../support/consent-scene.ts';
import { approve, authorization, codeIn, exchange, register, rpc, tokensOf } from '../support/remote-flow.ts';
import type { RemoteGateway } from '../support/remote-gateway.ts';

const DOCUMENT = {
  clientId: 'https://chatgpt.com/oauth/client.json',
  redirectUri: 'https://chatgpt.com/connector_platform_oauth_redirect',
};
/** A network fills its own share first, so that few of them make a crowd. */
const PER_STRANGER = 25;

let at: RemoteGateway;
beforeAll(async () => {
  at = await openAttacked();
});
afterAll(() => at.close());
beforeEach(() => {
  forgetAll(at);
  comeFromElsewhere(at);
});

const waiting = (clientId: string): number =>
  Number(
    at.gateway.store.db
      .prepare("SELECT count(*) FROM oauth_payloads WHERE kind = 'Interaction' AND client_id = ?")
      .pluck()
      .get(clientId),
  );

/** As if each of so many sites had begun the request that waits. */
function multiply(count: number): void {
  const copy = at.gateway.store.db.prepare(
    `INSERT INTO oauth_payloads SELECT kind, 'copy ' || @n, payload, grant_id, client_id, uid, '2001:db9:' || @n || ':0', epoch, expires_at, consumed_at
     FROM oauth_payloads WHERE kind = 'Interaction' AND id NOT LIKE 'copy %'`,
  );
  at.gateway.store.transaction(() => {
    for (let n = 1; n < count; n++) copy.run({ n });
  });
}

/** What was not begun by the crowd is the oldest of all. */
const ageTheOwners = (): void =>
  at.gateway.store.transaction(
    () =>
      void at.gateway.store.db.exec(
        "UPDATE oauth_payloads SET expires_at = expires_at - 60000 WHERE address LIKE '198.51.%'",
      ),
  );

let strangers = 0;
/** So many begin, each network with its share; gives how they were answered. */
async function crowd(count: number, addressOf: (n: number) => string): Promise<readonly number[]> {
  const path = authorization(at, DOCUMENT).url.slice(at.issuer.length);
  const statuses: number[] = [];
  for (let from = 0; from < count; from += 20)
    statuses.push(
      ...(await Promise.all(
        Array.from({ length: Math.min(20, count - from) }, async () => {
          strangers += 1;
          const address = addressOf(Math.floor(strangers / PER_STRANGER));
          return (await raw(at, path, { 'x-forwarded-for': address })).status;
        }),
      )),
    );
  return statuses;
}
const sites = (n: number): string => `2001:db8:${n.toString(16)}::1`;
const all = (statuses: readonly number[]): ReadonlySet<number> => new Set(statuses);

test('of a document that nobody has approved they fill their own room, and not that of approved clients', async () => {
  const mine = approvedClient(at);
  expect(all(await crowd(INTERACTIONS_MAX, sites))).toEqual(new Set([303]));
  expect(waiting(DOCUMENT.clientId)).toBe(INTERACTIONS_MAX);
  const asked = authorization(at, { clientId: mine });
  const left = await at.browser().grant(asked.url, { scopes: ['read:market'] });
  const { access } = tokensOf(await exchange(at, asked, codeIn(left)));
  expect((await rpc(at, access, 'tools/list')).status).toBe(200);
  expect(waiting(DOCUMENT.clientId)).toBe(INTERACTIONS_MAX);

  // One that the owner is about to approve finds its place among them, and keeps it however many come.
  const { body } = await register(at);
  const clientId = String(body['client_id']);
  const owner = at.browser();
  const page = await owner.open(authorization(at, { clientId }).url);
  expect(page.words).toContain('Waiting for the owner');
  expect([waiting(clientId), waiting(DOCUMENT.clientId)]).toEqual([1, INTERACTIONS_MAX - 1]);
  ageTheOwners();
  expect(all(await crowd(50, sites))).toEqual(new Set([303]));
  expect([waiting(clientId), waiting(DOCUMENT.clientId)]).toEqual([1, INTERACTIONS_MAX - 1]);
  approve(at, clientId);
  expect((await owner.grant(page.url, { scopes: ['read:market'] })).searchParams.get('code')).not.toBeNull();
});

test('of a document that is approved they make room for each other, and never take the page that somebody has signed in on', async () => {
  approve(at, DOCUMENT.clientId, { scopes: ['read:market'] });
  expect(await crowd(1, sites)).toEqual([303]);
  multiply(INTERACTIONS_MAX);
  const asked = authorization(at, DOCUMENT);
  const owner = at.browser();
  const page = await owner.open(asked.url);
  const consent = await owner.send(page, owner.form(page, '/sign-in'), signInFields(at));
  expect(waiting(DOCUMENT.clientId)).toBe(INTERACTIONS_MAX);
  // Nobody has more of them than the owner's one, which is the oldest.
  ageTheOwners();
  expect(all(await crowd(50, (n) => sites(0x1000 + n)))).toEqual(new Set([303]));
  expect(waiting(DOCUMENT.clientId)).toBe(INTERACTIONS_MAX);
  const left = await owner.grant(consent, { scopes: ['read:market'] });
  expect(tokensOf(await exchange(at, asked, codeIn(left))).scope).toBe('read:market');
});
test('a site (/48) has its share, however many networks it has; another one is not held up', async () => {
  const networks = (n: number): string => `2001:db8:ffff:${n.toString(16)}::1`;
  const statuses = await crowd(INTERACTIONS_PER_SITE_MAX + 25, networks);
  expect(statuses.filter((status) => status === 303)).toHaveLength(INTERACTIONS_PER_SITE_MAX);
  expect(statuses.filter((status) => status === 503)).toHaveLength(25);
  expect(all(await crowd(1, () => '2001:db8:fffe::1'))).toEqual(new Set([303]));
});
