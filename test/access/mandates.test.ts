/** Mandates: what is saved and shown, what is refused by field, and what a change sets off. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Access } from '#access/access.ts';
import { text } from '#domain/decimal.ts';
import { OWNER_CLI } from '#domain/principal.ts';
import { type AccessRoom, accessRoom, granted, MANDATE, refused } from '../support/access-room.ts';

let room: AccessRoom;
let access: Access;
let told: string[];
beforeEach(() => {
  room = accessRoom();
  access = room.access;
  granted(access.agents.create('claude', undefined, OWNER_CLI));
  told = [];
  access.onMandateChange((agent) => told.push(agent));
});
afterEach(() => room.close());

const claude = () => {
  const found = access.agents.byName('claude');
  if (!found) throw new Error('no claude');
  return found;
};
const set = (document: unknown) => access.mandates.set('claude', document, OWNER_CLI);
const without = (key: keyof typeof MANDATE): unknown =>
  Object.fromEntries(Object.entries(MANDATE).filter(([name]) => name !== key));

describe('a mandate', () => {
  test('is saved with its defaults filled in and its symbols resolved', () => {
    const {
      approval: _approval,
      commit: _commit,
      may_reduce: _reduce,
      allow_short: _short,
      ...required
    } = MANDATE;
    const mandate = granted(set(required));
    expect(mandate.version).toBe(1);
    expect(mandate.document).toEqual({
      ...MANDATE,
      asset_classes: ['index', 'crypto'],
      approval: 'always',
      commit: 'two_step',
      may_reduce: 'own',
      allow_short: false,
    });
    expect(mandate.instruments).toEqual(new Set(['INDEX:SPX', 'CRYPTO:BTC/USD']));
    expect(text(mandate.maxDailyLoss)).toBe('500');
    expect(mandate.expiresAtMs).toBe(Date.UTC(2027, 0, 1));
    expect(access.mandates.current(claude().id)).toEqual(mandate);
  });

  test('of every symbol names its asset classes', () => {
    const refusal = refused(set({ ...MANDATE, symbols: ['*'] }));
    expect(refusal.errors?.[0]).toMatchObject({ field: 'asset_classes' });
    const mandate = granted(set({ ...MANDATE, symbols: ['*'], asset_classes: ['crypto'] }));
    expect(mandate.instruments).toBe('any');
    expect(mandate.document.asset_classes).toEqual(['crypto']);
  });

  test('is versioned, and its history is kept, newest first', () => {
    granted(set(MANDATE));
    room.clock.advance(1_000);
    granted(set({ ...MANDATE, max_open_orders: 1 }));
    expect(access.mandates.current(claude().id)).toMatchObject({
      version: 2,
      document: { max_open_orders: 1 },
    });
    expect(access.mandates.history(claude().id)).toMatchObject([
      { mandate: { version: 2 }, createdAtMs: room.clock.wallMs() },
      { mandate: { version: 1 }, createdAtMs: room.clock.wallMs() - 1_000 },
    ]);
    expect(room.events('mandate.set')).toMatchObject([
      {
        agent: 'claude',
        credential: 'owner',
        detail: { version: 1, before: null, after: { max_open_orders: 10 } },
      },
      { detail: { version: 2, before: { max_open_orders: 10 }, after: { max_open_orders: 1 } } },
    ]);
  });

  test('lets its agent read its accounts', () => {
    granted(set({ ...MANDATE, accounts: ['second'] }));
    expect(claude().accounts).toEqual(['paper', 'second']);
  });

  test('survives a restart', () => {
    const before = granted(set(MANDATE));
    room = room.restart();
    access = room.access;
    expect(access.mandates.current(claude().id)).toEqual(before);
  });

  test('that only closes is a mandate: limits may be 0', () => {
    const nothing = { max_order_qty: '0', max_order_value: '0', max_daily_value: '0', max_daily_orders: 0 };
    expect(
      set({ ...MANDATE, ...nothing, max_open_orders: 0, max_gross_exposure: 0, may_reduce: 'account' }).ok,
    ).toBe(true);
  });

  test('tells its listeners after the commit, and not when it is rolled back', () => {
    granted(set(MANDATE));
    expect(told).toEqual([claude().id]);
    expect(() =>
      room.store.transaction(() => {
        granted(set({ ...MANDATE, max_open_orders: 99 }));
        expect(access.mandates.current(claude().id)?.version).toBe(2);
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(told).toHaveLength(1);
    expect(access.mandates.current(claude().id)).toMatchObject({
      version: 1,
      document: { max_open_orders: 10 },
    });
    granted(set({ ...MANDATE, max_open_orders: 3 }));
    expect(access.mandates.current(claude().id)).toMatchObject({
      version: 2,
      document: { max_open_orders: 3 },
    });
  });

  test('is read again as it is in the table, whoever wrote it there', () => {
    granted(set(MANDATE));
    expect(access.mandates.current(claude().id)).toBe(access.mandates.current(claude().id));
    const edited = JSON.stringify({ ...MANDATE, max_open_orders: 2 });
    room.store.transaction(() => room.store.db.prepare('UPDATE mandates SET document = ?').run(edited));
    expect(access.mandates.current(claude().id)?.document.max_open_orders).toBe(2);
  });

  test('of an unknown agent is not found', () => {
    expect(refused(access.mandates.set('clade', MANDATE, OWNER_CLI))).toMatchObject({
      reason: 'not_found',
      did_you_mean: ['claude'],
    });
  });
});

describe('a refused mandate', () => {
  test('changes nothing: no version, no account, no event, nobody told', () => {
    const events = room.events().length;
    refused(set({ ...MANDATE, accounts: ['second'], max_daily_loss: '-1' }));
    expect(access.mandates.current(claude().id)).toBe(undefined);
    expect(claude().accounts).toEqual(['paper']);
    expect(room.events()).toHaveLength(events);
    expect(told).toEqual([]);
  });

  const optional = ['allow_short', 'may_reduce', 'commit', 'approval'];
  test.each(Object.keys(MANDATE).filter((key) => !optional.includes(key)) as (keyof typeof MANDATE)[])(
    'names the missing key %s',
    (key) => {
      const refusal = refused(set(without(key)));
      expect(refusal).toMatchObject({ reason: 'invalid_input', status: 400 });
      expect(refusal.errors).toMatchObject([
        { field: key, value: '', rule: expect.stringMatching(/^required: ./) },
      ]);
      expect(refusal.detail).toContain(key);
    },
  );

  test('names the additional key, and the one that was probably meant', () => {
    const refusal = refused(set({ ...(without('max_open_orders') as object), max_open_order: 10 }));
    expect(refusal.errors).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ field: 'max_open_orders', value: '' }),
        expect.objectContaining({ field: 'max_open_order', value: '10', nearest: 'max_open_orders' }),
      ]),
    );
    expect(refusal.did_you_mean).toEqual(['max_open_orders']);
    expect(refused(set({ ...MANDATE, notes: 'mine' })).errors).toMatchObject([
      { field: 'notes', nearest: null },
    ]);
    expect(
      refused(set(JSON.parse(`{"__proto__": 1, ${JSON.stringify(MANDATE).slice(1)}`))).errors,
    ).toMatchObject([{ field: '__proto__' }]);
  });

  test.each([
    [{ sides: ['Buy'] }, 'sides.0', 'buy'],
    [{ sides: [] }, 'sides', null],
    [{ sides: ['buy', 'buy'] }, 'sides', null],
    [{ order_types: ['market', 'stoplimit'] }, 'order_types.1', 'stop_limit'],
    [{ asset_classes: ['cryptos'] }, 'asset_classes.0', 'crypto'],
    [{ may_reduce: 'acount' }, 'may_reduce', 'account'],
    [{ commit: 'twostep' }, 'commit', 'two_step'],
    [{ allow_short: 'false' }, 'allow_short', 'false'],
    [{ max_order_qty: '-5' }, 'max_order_qty', '0'],
    [{ max_order_qty: 0.5 }, 'max_order_qty', '0.5'],
    [{ max_order_qty: '1,000' }, 'max_order_qty', '1000'],
    [{ max_order_value: '1e4' }, 'max_order_value', null],
    [{ max_order_value: 'Infinity' }, 'max_order_value', null],
    [{ max_daily_orders: '50' }, 'max_daily_orders', '50'],
    [{ max_daily_orders: -1 }, 'max_daily_orders', '0'],
    [{ max_open_orders: 1e9 }, 'max_open_orders', '1000000'],
    [{ max_open_orders: 1.5 }, 'max_open_orders', '1'],
    [{ approval: 'allways' }, 'approval', 'always'],
    [{ approval: { above: '-1' } }, 'approval.above', '0'],
    [{ approval: { abov: '1', above: '1' } }, 'approval.abov', 'above'],
    [{ expires_at: 'tomorrow' }, 'expires_at', null],
    [{ expires_at: '2027-01-01' }, 'expires_at', null],
    [{ expires_at: '2025-12-31T23:59:59Z' }, 'expires_at', null],
    [{ expires_at: '2026-01-05T13:00:00+01:00' }, 'expires_at', null],
    [{ trading_hours: 'anny' }, 'trading_hours', 'any'],
    [
      { trading_hours: { timezone: 'Mars/Base', days: ['mon'], from: '09:00', to: '10:00' } },
      'trading_hours.timezone',
      null,
    ],
    [
      { trading_hours: { timezone: 'UTC', days: ['mon', 'tues'], from: '09:00', to: '10:00' } },
      'trading_hours.days.1',
      'tue',
    ],
    [
      { trading_hours: { timezone: 'UTC', days: ['mon'], from: '10:00', to: '09:00' } },
      'trading_hours',
      null,
    ],
    [{ symbols: ['*', 'SPX'] }, 'symbols', null],
    [{ symbols: ['SPX\n'] }, 'symbols.0', null],
    [{ accounts: ['nowhere'] }, 'accounts.0', null],
  ])('%j names its field, its value, the rule and the nearest', (change, field, nearest) => {
    const refusal = refused(set({ ...MANDATE, ...change }));
    expect(refusal.reason).toBe('invalid_input');
    expect(refusal.errors).toHaveLength(1);
    expect(refusal.errors?.[0]).toMatchObject({ field, nearest });
    const rule = refusal.errors?.[0]?.rule ?? '';
    expect(rule.length).toBeGreaterThan(3);
    // What is wrong is said once.
    const sayings = rule.split('; ');
    expect(new Set(sayings).size).toBe(sayings.length);
  });

  test.each([undefined, null, [], 'a file', 7])('%j is not a mandate at all', (document) => {
    expect(refused(set(document)).errors).toMatchObject([{ field: 'mandate', rule: 'a JSON object' }]);
  });

  test('names every wrong field at once, and at most fifty', () => {
    const refusal = refused(set({ ...MANDATE, sides: ['x'], max_daily_loss: 'y', commit: 'z' }));
    expect(refusal.errors?.map(({ field }) => field)).toEqual(['sides.0', 'max_daily_loss', 'commit']);
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`key${n}`, n]));
    expect(refused(set({ ...MANDATE, ...many })).errors).toHaveLength(50);
  });

  test('over an unknown symbol says which was probably meant', () => {
    const refusal = refused(set({ ...MANDATE, symbols: ['SPX', 'BTCUSD'] }));
    expect(refusal).toMatchObject({
      reason: 'unknown_symbol',
      status: 400,
      errors: [{ field: 'symbols.1', value: 'BTCUSD', nearest: 'BTC/USD' }],
      did_you_mean: ['BTC/USD'],
    });
  });

  test('over accounts of two currencies says which is which', () => {
    const refusal = refused(set({ ...MANDATE, accounts: ['paper', 'euros'] }));
    expect(refusal.errors?.[0]).toMatchObject({
      field: 'accounts',
      rule: expect.stringContaining('euros is in EUR'),
    });
  });

  test('never echoes hostile input at length or with its controls', () => {
    const refusal = refused(
      set({ ...MANDATE, [`\u001b[2J${'k'.repeat(5_000)}`]: `\u202e${'v'.repeat(5_000)}` }),
    );
    expect(JSON.stringify(refusal).length).toBeLessThan(2_000);
    expect(JSON.stringify(refusal)).not.toMatch(/\\u001b|\u202e/);
  });
});

describe('revoking', () => {
  test('keeps the mandate in sight, makes its agent reducing, tells, and is said once', () => {
    granted(set(MANDATE));
    granted(access.mandates.revoke('claude', OWNER_CLI));
    expect(access.mandates.current(claude().id)?.revokedAtMs).toBe(room.clock.wallMs());
    expect(access.agents.stateOf(claude().id)).toEqual({ state: 'REDUCING', reason: 'mandate_revoked' });
    expect(told).toHaveLength(2);
    granted(access.mandates.revoke('claude', OWNER_CLI));
    expect(told).toHaveLength(2);
    expect(room.events('mandate.revoked')).toMatchObject([{ detail: { version: 1, after: null } }]);
  });

  test('without a mandate is refused', () => {
    expect(refused(access.mandates.revoke('claude', OWNER_CLI)).reason).toBe('no_mandate');
  });

  test('is ended by a new mandate, which is not revoked', () => {
    granted(set(MANDATE));
    granted(access.mandates.revoke('claude', OWNER_CLI));
    granted(set(MANDATE));
    expect(access.mandates.current(claude().id)).toMatchObject({ version: 2, revokedAtMs: null });
    expect(access.agents.stateOf(claude().id).state).toBe('ACTIVE');
  });
});
