/** The kill switch as credentials see it: everything is refused, and nothing that was open comes back. */
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Access } from '#access/access.ts';
import { agentId, OWNER_CLI } from '#domain/principal.ts';
import { type AccessRoom, accessRoom, granted, refused } from '../support/access-room.ts';

let room: AccessRoom;
let access: Access;
let key: string;
beforeEach(() => {
  room = accessRoom();
  access = room.access;
  key = granted(access.keys.create({ agent: 'claude', scopes: ['read:market'], by: OWNER_CLI })).key;
});
afterEach(() => room.close());

const present = () => access.keys.authenticate(key, { door: 'http', address: '127.0.0.1' });
const kill = () =>
  room.store.transaction(() => {
    access.setGatewayState('HALTED', 'kill');
    return access.bumpEpoch();
  });
const resume = () => room.store.transaction(() => access.setGatewayState('ACTIVE', 'resumed'));

describe('the kill switch', () => {
  test('refuses every credential while it holds, those that were checked before too', () => {
    const who = granted(present());
    const local = granted(access.localPrincipal());
    kill();
    expect(refused(present()).reason).toBe('trading_halted');
    expect(refused(access.localPrincipal()).reason).toBe('trading_halted');
    expect(refused(access.stillLive(who)).reason).toBe('trading_halted');
    expect(refused(access.stillLive(local)).reason).toBe('trading_halted');
    expect(access.gatewayState()).toBe('HALTED');
    expect(room.events('auth.denied')).toMatchObject([
      { detail: { reason: 'trading_halted' } },
      { agent: 'local', credential: 'local', detail: { reason: 'trading_halted' } },
    ]);
  });

  test('tells a stranger and the holder of a dead key nothing of it', () => {
    kill();
    const stranger = access.keys.authenticate(`pcl_${'A'.repeat(43)}`, {
      door: 'http',
      address: '127.0.0.1',
    });
    expect(refused(stranger).reason).toBe('unauthenticated');
  });

  test('after resume lets credentials in again, and no session that was open before', () => {
    const who = granted(present());
    const local = granted(access.localPrincipal());
    kill();
    resume();
    expect(refused(access.stillLive(who)).reason).toBe('credential_revoked');
    expect(refused(access.stillLive(local)).reason).toBe('credential_revoked');
    const again = granted(present());
    expect(again.epoch).toBe(2);
    expect(access.stillLive(again).ok).toBe(true);
    expect(access.stillLive(granted(access.localPrincipal())).ok).toBe(true);
  });

  test('survives a restart', () => {
    kill();
    room = room.restart();
    access = room.access;
    expect(refused(present()).reason).toBe('trading_halted');
    expect(access.epoch()).toBe(2);
  });

  test('leaves an agent’s own halt when it is resumed', () => {
    granted(access.agents.halt('claude', OWNER_CLI, 'before'));
    kill();
    resume();
    const id = access.agents.byName('claude')?.id ?? agentId('');
    expect(access.agents.stateOf(id).state).toBe('HALTED');
  });

  test('thrown by another process through the database counts at once', () => {
    const who = granted(present());
    room.store.transaction(() =>
      room.store.db.exec(`UPDATE settings SET value = 'HALTED' WHERE name = 'trading_state'`),
    );
    expect(refused(access.stillLive(who)).reason).toBe('trading_halted');
  });

  test('is also what a state that can not be read means', () => {
    room.store.transaction(() =>
      room.store.db.exec(`UPDATE settings SET value = 'active?' WHERE name = 'trading_state'`),
    );
    expect(access.gatewayState()).toBe('HALTED');
  });
});

describe('a credential that was let in a moment ago', () => {
  test('is refused at once when it is revoked, and when another process halts the gateway', () => {
    present();
    const who = granted(present());
    // Remembered, or the rest would prove nothing.
    expect(granted(present())).toBe(who);
    const other = new Database(room.store.path);
    other.exec(`UPDATE settings SET value = 'HALTED' WHERE name = 'trading_state'`);
    // Inside a transaction, where orders are decided, nothing is remembered.
    expect(refused(room.store.transaction(() => access.stillLive(who))).reason).toBe('trading_halted');
    room.clock.advance(1);
    expect(refused(access.stillLive(who)).reason).toBe('trading_halted');
    expect(refused(present()).reason).toBe('trading_halted');
    other.exec(`UPDATE settings SET value = 'ACTIVE' WHERE name = 'trading_state'`);
    other.close();
    room.clock.advance(1);
    expect(access.stillLive(who).ok).toBe(true);
    granted(access.keys.revoke(who.credential, OWNER_CLI));
    expect(refused(access.stillLive(who)).reason).toBe('credential_revoked');
    expect(refused(present()).reason).toBe('credential_revoked');
  });

  test('is refused inside the transaction that revokes it, and live again when that is rolled back', () => {
    const who = granted(present());
    expect(access.stillLive(who).ok).toBe(true);
    expect(() =>
      room.store.transaction(() => {
        granted(access.keys.revoke(who.credential, OWNER_CLI));
        expect(refused(access.stillLive(who)).reason).toBe('credential_revoked');
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(access.stillLive(who).ok).toBe(true);
    expect(granted(present()).credential).toBe(who.credential);
  });

  test('is refused at the moment it expires', () => {
    const brief = granted(
      access.keys.create({ agent: 'brief', scopes: ['read:market'], expiresInMs: 5_000, by: OWNER_CLI }),
    );
    const ask = () => access.keys.authenticate(brief.key, { door: 'http', address: '127.0.0.1' });
    ask();
    const who = granted(ask());
    expect(access.stillLive(who).ok).toBe(true);
    room.clock.advance(4_999);
    expect(ask().ok).toBe(true);
    room.clock.advance(1);
    expect(refused(ask()).reason).toBe('credential_revoked');
    expect(refused(access.stillLive(who)).reason).toBe('credential_revoked');
  });

  test('is let in from each address on its own', () => {
    const made = granted(
      access.keys.create({ agent: 'near', scopes: ['read:market'], ipAllow: ['10.0.0.1'], by: OWNER_CLI }),
    );
    const from = (address: string) => access.keys.authenticate(made.key, { door: 'http', address });
    from('10.0.0.1');
    expect(granted(from('10.0.0.1')).address).toBe('10.0.0.1');
    expect(refused(from('10.0.0.2')).reason).toBe('ip_not_allowed');
    expect(granted(access.keys.authenticate(made.key, { door: 'rest', address: '10.0.0.1' })).door).toBe(
      'rest',
    );
  });

  test('has its last use kept to the minute all the same', () => {
    present();
    present();
    const usedAt = () => access.keys.list()[0]?.lastUsedAtMs;
    const first = usedAt();
    room.clock.advance(60_000);
    present();
    expect(usedAt()).toBe((first ?? 0) + 60_000);
  });

  test('is refused from memory too, while the store can not be written', () => {
    const who = granted(present());
    expect(access.stillLive(who).ok).toBe(true);
    access.haltInMemory('kill');
    expect(refused(access.stillLive(who)).reason).toBe('trading_halted');
    expect(refused(present()).reason).toBe('trading_halted');
  });
});

describe('the epoch', () => {
  test('changes inside a transaction only', () => {
    expect(() => access.bumpEpoch()).toThrow('transaction');
    expect(() => access.setGatewayState('HALTED', 'x')).toThrow('transaction');
    expect(access.epoch()).toBe(1);
    expect(access.gatewayState()).toBe('ACTIVE');
  });

  test('is told after the commit, and not after a rollback', () => {
    const told: number[] = [];
    access.onEpochChange((epoch) => told.push(epoch));
    expect(() =>
      room.store.transaction(() => {
        access.bumpEpoch();
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(told).toEqual([]);
    room.store.transaction(() => {
      access.bumpEpoch();
      expect(told).toEqual([]);
    });
    expect(told).toEqual([2]);
  });

  test('and the state are on the record with before and after', () => {
    kill();
    expect(room.events('gateway.state')).toMatchObject([
      { detail: { before: 'ACTIVE', after: 'HALTED', why: 'kill' } },
    ]);
    expect(room.events('authority.epoch')).toMatchObject([{ detail: { before: 1, after: 2 } }]);
  });
});

describe('a halt in memory, for a store that can not write', () => {
  test('refuses at once, and what it shut out stays out when the kill becomes durable and is resumed', () => {
    const told: number[] = [];
    access.onEpochChange((epoch) => told.push(epoch));
    const who = granted(present());
    access.haltInMemory('the disk is full');
    access.haltInMemory('again');
    expect(told).toEqual([2]);
    expect(access.gatewayState()).toBe('HALTED');
    expect(refused(present()).reason).toBe('trading_halted');
    kill();
    expect(access.gatewayState()).toBe('HALTED');
    resume();
    expect(access.gatewayState()).toBe('ACTIVE');
    expect(refused(access.stillLive(who)).reason).toBe('credential_revoked');
    expect(present().ok).toBe(true);
  });

  test('resumed without ever having been durable still ends every session', () => {
    const who = granted(present());
    access.haltInMemory('the disk is full');
    resume();
    expect(refused(access.stillLive(who)).reason).toBe('credential_revoked');
  });

  test('holds when the transaction that would have ended it fails', () => {
    access.haltInMemory('the disk is full');
    expect(() =>
      room.store.transaction(() => {
        access.setGatewayState('ACTIVE', 'resumed');
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(access.gatewayState()).toBe('HALTED');
  });
});

describe('a principal', () => {
  test('whose agent or credential is not known is not live', () => {
    const who = granted(present());
    expect(refused(access.stillLive({ ...who, agent: agentId('agt_nobody') })).reason).toBe(
      'credential_revoked',
    );
    expect(refused(access.stillLive({ ...who, credential: 'key_nobody' })).reason).toBe('credential_revoked');
    expect(refused(access.stillLive({ ...who, epoch: 0 })).reason).toBe('credential_revoked');
    expect(refused(access.stillLive({ ...who, epoch: 2 })).reason).toBe('credential_revoked');
  });
});
