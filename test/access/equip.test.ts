/** A new agent with everything it needs is one commit: what is refused of it leaves nothing behind. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import { type AccessRoom, accessRoom, granted, MANDATE, refused } from '../support/access-room.ts';

let room: AccessRoom;
beforeEach(() => {
  room = accessRoom();
});
afterEach(() => room.close());

const equip = (given: {
  name?: string;
  accounts?: readonly string[];
  mandate?: unknown;
  scopes?: readonly string[];
}) =>
  room.access.equip({
    name: given.name ?? 'claude',
    accounts: given.accounts,
    mandate: 'mandate' in given ? given.mandate : MANDATE,
    key: { scopes: given.scopes ?? ['read:market', 'write:orders'] },
    by: OWNER_CLI,
  });
const kinds = () => room.events().map(({ kind }) => kind);

describe('equipping an agent', () => {
  test('makes it, its mandate and its key, each on the record', () => {
    const made = granted(equip({}));
    expect(made).toMatchObject({ agent: 'claude', scopes: ['read:market', 'write:orders'] });
    const agent = room.access.agents.byName('claude');
    expect(agent && room.access.mandates.current(agent.id)?.version).toBe(1);
    expect(
      granted(room.access.keys.authenticate(made.key, { door: 'http', address: '127.0.0.1' })).agentName,
    ).toBe('claude');
    expect(kinds()).toEqual(expect.arrayContaining(['agent.created', 'mandate.set', 'key.created']));
  });

  test('without a mandate it trades nothing yet', () => {
    granted(equip({ mandate: undefined }));
    const agent = room.access.agents.byName('claude');
    expect(agent && room.access.mandates.current(agent.id)).toBeUndefined();
    expect(room.access.keys.list()).toHaveLength(1);
  });

  test.each([
    ['a mandate that is wrong', { mandate: { ...MANDATE, max_order_qty: 'lots' } }],
    ['a key without scopes', { scopes: [] }],
    ['an account that does not exist', { accounts: ['nowhere'] }],
  ])('leaves no agent, no key and no line behind %s', (_what, given) => {
    const before = kinds();
    expect(refused(equip(given)).reason).toBe('invalid_input');
    expect(room.access.agents.byName('claude')).toBeUndefined();
    expect(room.access.keys.list()).toEqual([]);
    expect(kinds()).toEqual(before);
    // The name is free, and the store works on.
    granted(equip({}));
  });

  test('takes no name that somebody has', () => {
    granted(equip({}));
    expect(refused(equip({})).detail).toContain('claude already');
    expect(room.access.keys.list()).toHaveLength(1);
  });
});
