/** The stdio door without a key: its agent is made at the first use, and is the owner's to change like any other. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Access } from '#access/access.ts';
import { ASSET_CLASSES } from '#domain/instrument.ts';
import { OWNER_CLI, SCOPES } from '#domain/principal.ts';
import { type AccessRoom, accessRoom, granted, MANDATE } from '../support/access-room.ts';

let room: AccessRoom;
let access: Access;
beforeEach(() => {
  room = accessRoom();
  access = room.access;
});
afterEach(() => room.close());

describe('the local agent', () => {
  test('does not exist before its first use, and is made once', () => {
    expect(access.agents.byName('local')).toBe(undefined);
    const first = granted(access.localPrincipal());
    expect(first).toEqual({
      kind: 'agent',
      agent: access.agents.byName('local')?.id,
      agentName: 'local',
      credential: 'local',
      door: 'stdio',
      scopes: new Set(SCOPES),
      epoch: 1,
    });
    expect(granted(access.localPrincipal())).toEqual(first);
    expect(access.stillLive(first).ok).toBe(true);
    expect(room.events().map(({ kind }) => kind)).toEqual(['agent.created', 'mandate.set']);
  });

  test('starts with every symbol of the paper account, the limits of the example, no approval and no expiry', () => {
    const { agent } = granted(access.localPrincipal());
    expect(access.mandates.current(agent)?.document).toEqual({
      ...MANDATE,
      symbols: ['*'],
      asset_classes: ASSET_CLASSES,
      expires_at: null,
      approval: 'never',
    });
    expect(access.agents.accountsOf(agent)).toEqual(['paper']);
  });

  test('spoken of by the owner before its first use keeps what the owner said', () => {
    granted(access.mandates.revoke('local', OWNER_CLI));
    const { agent } = granted(access.localPrincipal());
    expect(access.agents.stateOf(agent).state).toBe('REDUCING');
    expect(access.mandates.history(agent)).toHaveLength(1);
  });

  test('given another mandate does not get its first one back', () => {
    granted(access.mandates.set('local', MANDATE, OWNER_CLI));
    const { agent } = granted(access.localPrincipal());
    expect(access.mandates.current(agent)).toMatchObject({
      version: 2,
      document: { expires_at: MANDATE.expires_at },
    });
  });

  test('is halted and lifted like any other', () => {
    granted(access.agents.halt('local', OWNER_CLI, 'wait'));
    const { agent } = granted(access.localPrincipal());
    expect(access.agents.stateOf(agent).state).toBe('HALTED');
    granted(access.agents.lift('local', OWNER_CLI));
    expect(access.agents.stateOf(agent).state).toBe('ACTIVE');
  });

  test('without a paper account has no mandate', () => {
    room.close();
    room = accessRoom({ accounts: { currencyOf: () => undefined } });
    access = room.access;
    const { agent } = granted(access.localPrincipal());
    expect(access.mandates.current(agent)).toBe(undefined);
  });
});
