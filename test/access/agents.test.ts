/** Agents: their names, their halts, and the trading state that follows from everything that can hold them. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Access } from '#access/access.ts';
import { agentId, OWNER_CLI, type Principal } from '#domain/principal.ts';
import { type AccessRoom, accessRoom, granted, MANDATE, refused } from '../support/access-room.ts';

let room: AccessRoom;
let access: Access;
beforeEach(() => {
  room = accessRoom();
  access = room.access;
});
afterEach(() => room.close());

const create = (name: string, accounts?: readonly string[]) =>
  access.agents.create(name, accounts, OWNER_CLI);
const stateOf = (name: string) => access.agents.stateOf(idOf(name));
function idOf(name: string) {
  const found = access.agents.byName(name);
  if (!found) throw new Error(`no agent ${name}`);
  return found.id;
}
function principalOf(name: string): Principal {
  const { key } = granted(access.keys.create({ agent: name, scopes: ['write:orders'], by: OWNER_CLI }));
  return granted(access.keys.authenticate(key, { door: 'http', address: '127.0.0.1' }));
}

describe('an agent', () => {
  test('is created with the account paper, on the record', () => {
    const made = granted(create('claude'));
    expect(made).toMatchObject({ name: 'claude', accounts: ['paper'], halted: null });
    expect(access.agents.byId(made.id)).toEqual(made);
    expect(access.agents.list()).toEqual([made]);
    expect(room.events('agent.created')).toMatchObject([
      { agent: 'claude', credential: 'owner', outcome: 'ok', detail: { id: made.id, accounts: ['paper'] } },
    ]);
  });

  test('reads the accounts it was given and no other', () => {
    const made = granted(create('claude', ['second', 'euros']));
    expect(access.agents.accountsOf(made.id)).toEqual(['euros', 'second']);
    expect(access.agents.accountsOf(agentId('agt_nobody'))).toEqual([]);
  });

  test('is not created over an account that does not exist', () => {
    const refusal = refused(create('claude', ['paper', 'nowhere']));
    expect(refusal).toMatchObject({
      reason: 'invalid_input',
      errors: [{ field: 'accounts', value: 'nowhere' }],
    });
    expect(access.agents.list()).toEqual([]);
    expect(room.events()).toEqual([]);
  });

  test.each(['local', 'external', 'owner', '*', '', '-x', 'a b', 'é', 'x'.repeat(41), 'a\u001b[2J'])(
    'may not be called %j',
    (name) => {
      const refusal = refused(create(name));
      expect(refusal.reason).toBe('invalid_input');
      expect(refusal.errors?.[0]?.field).toBe('name');
      expect(access.agents.list()).toEqual([]);
    },
  );

  test('is told the nearest name that would do', () => {
    expect(refused(create('My Agent')).errors?.[0]?.nearest).toBe('my-agent');
  });

  test('has its name alone', () => {
    granted(create('claude'));
    expect(refused(create('claude')).reason).toBe('invalid_input');
    expect(access.agents.list()).toHaveLength(1);
  });

  test('that is not known is not found, and the near one is named', () => {
    granted(create('scalper'));
    expect(refused(access.agents.halt('scapler', OWNER_CLI, 'x'))).toMatchObject({
      reason: 'not_found',
      status: 404,
      did_you_mean: ['scalper'],
    });
  });
});

describe('a halt', () => {
  beforeEach(() => void granted(create('claude')));

  test('by the owner holds until the owner lifts it', () => {
    expect(stateOf('claude')).toEqual({ state: 'ACTIVE', reason: null });
    granted(access.agents.halt('claude', OWNER_CLI, 'too fast'));
    expect(stateOf('claude')).toEqual({ state: 'HALTED', reason: 'by the owner (too fast)' });
    expect(granted(access.agents.lift('claude', OWNER_CLI)).halted).toBe(null);
    expect(stateOf('claude').state).toBe('ACTIVE');
    expect(room.events().map(({ kind }) => kind)).toEqual(['agent.created', 'agent.halted', 'agent.lifted']);
  });

  test('survives a restart', () => {
    granted(access.agents.halt('claude', OWNER_CLI, 'overnight'));
    room = room.restart();
    access = room.access;
    expect(stateOf('claude').state).toBe('HALTED');
  });

  test('by an agent is its own, and only its own', () => {
    const claude = principalOf('claude');
    granted(create('other'));
    expect(refused(access.agents.halt('other', claude, 'jealousy')).reason).toBe('insufficient_scope');
    expect(stateOf('other').state).toBe('ACTIVE');
    expect(granted(access.agents.halt('claude', claude, 'lost')).halted).toMatchObject({ by: 'agent' });
    expect(room.events('agent.halted')).toMatchObject([
      { agent: 'claude', credential: claude.credential, detail: { before: null, after: 'agent' } },
    ]);
  });

  test('repeated says nothing new; the owner’s takes the place of an agent’s and never the other way', () => {
    const claude = principalOf('claude');
    granted(access.agents.halt('claude', claude, 'lost'));
    granted(access.agents.halt('claude', claude, 'still lost'));
    granted(access.agents.halt('claude', OWNER_CLI, 'indeed'));
    granted(access.agents.halt('claude', claude, 'again'));
    expect(access.agents.byName('claude')?.halted).toMatchObject({ by: 'owner', reason: 'indeed' });
    expect(room.events('agent.halted')).toHaveLength(2);
  });

  test('keeps a reason that can not steer a terminal', () => {
    granted(access.agents.halt('claude', OWNER_CLI, `\u001b[2Jred\u202e${'x'.repeat(1_000)}`));
    expect(access.agents.byName('claude')?.halted?.reason).toBe(`red${'x'.repeat(197)}`);
  });

  test('lifted when there is none changes nothing', () => {
    granted(access.agents.lift('claude', OWNER_CLI));
    expect(room.events('agent.lifted')).toEqual([]);
  });
});

describe('reducing', () => {
  const reduce = (reason: 'daily_loss' | 'mandate_expired', day: string | null): boolean =>
    room.store.transaction(() => access.agents.setReducing(idOf('claude'), reason, day));
  beforeEach(() => {
    granted(create('claude'));
    granted(access.mandates.set('claude', MANDATE, OWNER_CLI));
  });

  test('is set inside a transaction only, and once', () => {
    expect(() => access.agents.setReducing(idOf('claude'), 'daily_loss', '2026-01-05')).toThrow(
      'transaction',
    );
    expect(reduce('daily_loss', '2026-01-05')).toBe(true);
    expect(reduce('daily_loss', '2026-01-05')).toBe(false);
    expect(stateOf('claude')).toEqual({ state: 'REDUCING', reason: 'daily_loss' });
    expect(room.events('agent.reducing')).toMatchObject([
      { agent: 'claude', detail: { reason: 'daily_loss', day: '2026-01-05' } },
    ]);
  });

  test('after a loss ends with the mandate day, without anybody doing anything', () => {
    reduce('daily_loss', '2026-01-05');
    room.clock.advance(12 * 3_600_000 - 1);
    expect(stateOf('claude').state).toBe('REDUCING');
    room.clock.advance(1);
    expect(stateOf('claude')).toEqual({ state: 'ACTIVE', reason: null });
    expect(reduce('daily_loss', '2026-01-06')).toBe(true);
    expect(stateOf('claude').state).toBe('REDUCING');
  });

  test('after a loss ends when it is lifted, and not with a new mandate', () => {
    reduce('daily_loss', '2026-01-05');
    granted(access.mandates.set('claude', { ...MANDATE, max_daily_loss: '5000' }, OWNER_CLI));
    expect(stateOf('claude').state).toBe('REDUCING');
    granted(access.agents.lift('claude', OWNER_CLI));
    expect(stateOf('claude').state).toBe('ACTIVE');
    expect(room.events('agent.reducing_ended')).toMatchObject([
      { detail: { reason: 'daily_loss', why: 'lifted by the owner' } },
    ]);
  });

  test('after a revocation ends with a new mandate, and is not lifted', () => {
    granted(access.mandates.revoke('claude', OWNER_CLI));
    expect(stateOf('claude')).toEqual({ state: 'REDUCING', reason: 'mandate_revoked' });
    granted(access.agents.lift('claude', OWNER_CLI));
    expect(stateOf('claude').state).toBe('REDUCING');
    room.store.transaction(() => access.agents.clearReducing(idOf('claude'), 'by mistake'));
    expect(stateOf('claude').state).toBe('REDUCING');
    granted(access.mandates.set('claude', MANDATE, OWNER_CLI));
    expect(stateOf('claude').state).toBe('ACTIVE');
  });

  test('after an expiry begins with its second, goes on the record once, and tells the order line', () => {
    const told: string[] = [];
    granted(access.mandates.set('claude', { ...MANDATE, expires_at: '2026-01-05T12:00:10Z' }, OWNER_CLI));
    access.onMandateChange((agent) => told.push(agent));
    room.clock.advance(9_999);
    expect(stateOf('claude').state).toBe('ACTIVE');
    room.clock.advance(1);
    expect(stateOf('claude')).toEqual({ state: 'REDUCING', reason: 'mandate_expired' });
    expect(stateOf('claude').state).toBe('REDUCING');
    expect(reduce('mandate_expired', null)).toBe(false);
    expect(told).toEqual([idOf('claude')]);
    expect(room.events('agent.reducing')).toHaveLength(1);
    granted(access.mandates.set('claude', MANDATE, OWNER_CLI));
    expect(stateOf('claude').state).toBe('ACTIVE');
    granted(access.mandates.set('claude', { ...MANDATE, expires_at: '2026-01-05T12:00:20Z' }, OWNER_CLI));
    room.clock.advance(10_000);
    expect(stateOf('claude').state).toBe('REDUCING');
    expect(room.events('agent.reducing')).toHaveLength(2);
  });

  test('an expiry that is noticed in a transaction that fails is noticed again', () => {
    granted(access.mandates.set('claude', { ...MANDATE, expires_at: '2026-01-05T12:00:10Z' }, OWNER_CLI));
    room.clock.advance(10_000);
    expect(() =>
      room.store.transaction(() => {
        expect(stateOf('claude').state).toBe('REDUCING');
        throw new Error('something else');
      }),
    ).toThrow('something else');
    expect(room.events('agent.reducing')).toEqual([]);
    expect(stateOf('claude').state).toBe('REDUCING');
    expect(room.events('agent.reducing')).toHaveLength(1);
  });

  test('of several reasons the strictest state is told', () => {
    reduce('daily_loss', '2026-01-05');
    granted(access.agents.halt('claude', OWNER_CLI, 'enough'));
    expect(stateOf('claude').state).toBe('HALTED');
    granted(access.agents.lift('claude', OWNER_CLI));
    expect(stateOf('claude').state).toBe('ACTIVE');
    room.store.transaction(() => access.setGatewayState('REDUCING', 'winding down'));
    expect(stateOf('claude')).toEqual({ state: 'REDUCING', reason: 'winding down' });
    room.store.transaction(() => access.setGatewayState('HALTED', 'the kill switch'));
    expect(stateOf('claude')).toEqual({ state: 'HALTED', reason: 'the kill switch' });
  });

  test('every reason is told to who asks for all of them', () => {
    reduce('daily_loss', '2026-01-05');
    granted(access.mandates.revoke('claude', OWNER_CLI));
    expect(access.agents.reducingOf(idOf('claude'))).toEqual([
      { reason: 'daily_loss', day: '2026-01-05' },
      { reason: 'mandate_revoked', day: null },
    ]);
  });

  test('an agent that nobody knows is halted', () => {
    expect(access.agents.stateOf(agentId('agt_nobody')).state).toBe('HALTED');
  });
});
