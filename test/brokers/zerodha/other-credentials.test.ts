/** Other credentials of an account at Zerodha: whose it is stays, and so do the names of its orders. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { changeCredentials } from '#cli/account-adding.ts';
import { accountId, OWNER_CLI } from '#domain/principal.ts';
import { type KiteGateway, openKiteGateway } from './kite-gateway.ts';
import { SIM_KEY, SIM_SECRET } from './kite-sim.ts';

const KITE = accountId('kite');
let kite: KiteGateway;
beforeEach(async () => {
  kite = await openKiteGateway();
});
afterEach(() => kite.close());

it('is the same user’s with other credentials, whose sign-in ends nothing but the session', async () => {
  const { gate, passing, sim } = kite;
  await kite.addAccount();
  expect(await kite.signIn()).toMatchObject({ ok: true });
  const ids = [['c1', 'gtt:7']];
  const { secrets } = gate.gateway;
  const memory = () => JSON.parse(secrets.read(KITE, 'session') ?? '{}') as Record<string, unknown>;
  expect(memory()).toMatchObject({ user: 'XX0000', session: { token: expect.any(String) } });
  secrets.write(KITE, 'session', JSON.stringify({ ...memory(), ids }), 1);

  const given = { credentials: { api_key: SIM_KEY, api_secret: SIM_SECRET }, by: OWNER_CLI, code: true };
  expect(await passing(changeCredentials(gate.gateway, 'kite', given))).toMatchObject({ ok: true });
  expect(memory()).toEqual({ user: 'XX0000', ids, intents: [] });
  sim.user = 'ZZ9999';
  expect(await kite.signIn()).toMatchObject({
    ok: false,
    error: {
      detail: expect.stringContaining('another user at Kite than the one this account was opened for'),
    },
  });
});
