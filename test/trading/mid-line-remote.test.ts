/** What ends or narrows a remote client while its order is under way decides about the order. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { OWNER_CONSOLE, type Principal, SCOPES } from '#domain/principal.ts';
import { type Clients, openClients } from '#oauth/clients.ts';
import { type Grants, openGrants } from '#oauth/grants.ts';
import { openRemoteCredentials } from '#oauth/remote-credentials.ts';
import { openSigningKeys } from '#oauth/signing-keys.ts';
import { openKeyring } from '#store/keyring.ts';
import { type Gate, gated, settled } from '../support/limit-storm.ts';
import { claimsOf, FROM_AFAR, PUBLIC_URL, signed } from '../support/tokens.ts';
import { commit, draft, flatTape, granted, type TradingRoom, tradingRoom } from '../support/trading-room.ts';

interface Scene {
  readonly room: TradingRoom;
  readonly gate: Gate;
  readonly clients: Clients;
  readonly grants: Grants;
  readonly clientId: string;
  readonly grantId: string;
  readonly claude: Principal;
}

/** An agent that came in by a token. */
async function scene(): Promise<Scene> {
  const gate = gated();
  const room = await tradingRoom({ csv: flatTape('1450', 300), adapter: () => gate.adapter });
  const { access } = room;
  const { agent } = room.agent('claude');
  const grants = openGrants({ ...room, enabled: SCOPES });
  const clients = openClients({ ...room, grants });
  const { client } = granted(
    clients.createStatic({
      name: 'Claude',
      redirectUris: ['https://claude.ai/api/mcp/auth_callback'],
      agent: 'claude',
      scopes: SCOPES,
      confidential: false,
      by: OWNER_CONSOLE,
    }),
  );
  const grant = granted(
    grants.open({
      grantId: 'grant-of-claude',
      clientId: client.clientId,
      agent,
      scopes: SCOPES,
      steppedUpAtMs: access.wall(),
      expiresAtMs: access.wall() + 3_600_000,
    }),
  );
  const keys = openSigningKeys({
    ...room,
    wall: access.wall,
    keyring: openKeyring(join(room.folder, 'keys')),
  });
  const connections = { note: () => undefined };
  access.servesRemote(openRemoteCredentials({ ...room, grants, keys, connections, publicUrl: PUBLIC_URL }));
  const token = signed(keys, claimsOf(grant, access.wall()));
  const claude = granted(access.remote.authenticate(token, FROM_AFAR));
  return { room, gate, clients, grants, clientId: client.clientId, grantId: grant.grantId, claude };
}

/** Sent to the broker or not, and the answer as a reason or `granted`. */
async function meanwhile(it: Scene, happens: () => unknown): Promise<string> {
  const { room, gate, claude } = it;
  gate.shut = true;
  const answer = room.trading.placeOrder(claude, draft({ side: 'buy', qty: '2', limit: '1460' }), commit());
  await settled();
  expect(gate.waiting).toHaveLength(1);
  happens();
  gate.shut = false;
  for (const open of gate.waiting.splice(0)) open();
  const result = await answer;
  it.grants.close();
  return result.ok ? 'granted' : result.error.reason;
}

describe('between the gathering and the decision', () => {
  test.each<[string, (it: Scene) => unknown, string]>([
    ['nothing', () => undefined, 'granted'],
    ['its grant is ended', ({ grants, grantId }) => grants.end(grantId, 'owner'), 'credential_revoked'],
    [
      'its client is revoked',
      ({ clients, clientId }) => clients.revoke(clientId, OWNER_CONSOLE),
      'credential_revoked',
    ],
    [
      'writing is switched off',
      ({ grants }) => grants.enable(['read:market', 'read:account']),
      'credential_revoked',
    ],
    ['remote MCP is switched off', ({ grants }) => grants.enable([]), 'credential_revoked'],
    [
      'its client may only read from now on',
      ({ clients, clientId }) =>
        clients.changeCeiling({ clientId, scopes: ['read:market'], by: OWNER_CONSOLE }),
      'insufficient_scope',
    ],
    [
      'the gate falls in memory',
      ({ room }) => room.access.haltInMemory('the disk is full'),
      'trading_halted',
    ],
  ])('%s', async (_what, happens, reason) => {
    const it = await scene();
    expect(await meanwhile(it, () => happens(it))).toBe(reason);
    const sent = it.room.events('order.transition').map(({ detail }) => detail?.['to']);
    if (reason === 'granted') expect(sent).toContain('submitting');
    else expect(sent).not.toContain('submitting');
  });
});
