/** An agent's own mandate: every field may become tighter, none looser, and what has ended stays ended. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Access } from '#access/access.ts';
import { TIGHTEN_FIELDS } from '#access/tighten.ts';
import { MandateDocument } from '#domain/mandate.ts';
import { OWNER_CLI, type Principal } from '#domain/principal.ts';
import { type AccessRoom, accessRoom, granted, MANDATE, refused } from '../support/access-room.ts';

let room: AccessRoom;
let access: Access;
let told: string[];
let claude: Principal;
beforeEach(() => {
  room = accessRoom();
  access = room.access;
  granted(access.agents.create('claude', ['paper', 'second'], OWNER_CLI));
  granted(set({}));
  const { key } = granted(access.keys.create({ agent: 'claude', scopes: ['write:orders'], by: OWNER_CLI }));
  claude = granted(access.keys.authenticate(key, { door: 'http' }));
  told = [];
  access.onMandateChange((agent) => told.push(agent));
});
afterEach(() => room.close());

const set = (fields: object) =>
  access.mandates.set('claude', { ...MANDATE, accounts: ['paper', 'second'], ...fields }, OWNER_CLI);
const tighten = (fields: unknown) => access.mandates.tighten(claude, fields);
const current = () => access.mandates.current(claude.agent);

const NIGHT = { timezone: 'Europe/Berlin', days: ['mon', 'tue'], from: '09:00', to: '17:00' };

/** By field: a value in force, what is tighter, and what is looser or can not be compared with it. */
const STEPS: Readonly<
  Record<string, { readonly now: unknown; readonly tighter: unknown[]; readonly looser: unknown[] }>
> = {
  accounts: { now: ['paper'], tighter: [], looser: [['second'], ['paper', 'second']] },
  symbols: {
    now: ['SPX', 'BTC/USD'],
    tighter: [['SPX'], ['BTC/USD']],
    looser: [['SPY'], ['SPX', 'SPY'], ['*']],
  },
  asset_classes: { now: ['index', 'crypto'], tighter: [['index']], looser: [['index', 'fx'], ['equity']] },
  sides: { now: ['buy'], tighter: [], looser: [['sell'], ['buy', 'sell']] },
  may_reduce: { now: 'own', tighter: [], looser: ['account'] },
  order_types: { now: ['market', 'limit'], tighter: [['limit']], looser: [['stop'], ['market', 'stop']] },
  allow_short: { now: false, tighter: [], looser: [true] },
  max_order_qty: { now: '100', tighter: ['99.99', 0, '0'], looser: ['100.01', 101] },
  max_order_value: { now: '10000', tighter: ['9999.99'], looser: ['10000.01'] },
  max_daily_value: { now: '50000', tighter: ['49999'], looser: ['50000.000001'] },
  max_daily_orders: { now: 50, tighter: [49, 0], looser: [51] },
  max_daily_loss: { now: '500', tighter: ['499.99'], looser: ['500.01'] },
  max_open_orders: { now: 10, tighter: [9], looser: [11] },
  max_gross_exposure: { now: '50000', tighter: ['1'], looser: ['50001'] },
  trading_hours: {
    now: NIGHT,
    tighter: [
      { ...NIGHT, days: ['tue'] },
      { ...NIGHT, from: '09:01' },
      { ...NIGHT, to: '16:59' },
    ],
    looser: [
      'any',
      'session',
      { ...NIGHT, days: ['mon', 'tue', 'wed'] },
      { ...NIGHT, from: '08:59' },
      { ...NIGHT, to: '17:01' },
      { ...NIGHT, from: '09:30', to: '17:30' },
      { ...NIGHT, timezone: 'Europe/Paris' },
    ],
  },
  expires_at: {
    now: '2027-01-01T00:00:00Z',
    tighter: ['2026-12-31T23:59:59Z', '2027-01-01T00:59:00+01:00'],
    looser: ['2027-01-01T00:00:01Z', null],
  },
  commit: { now: 'two_step', tighter: [], looser: ['one_step'] },
  approval: {
    now: { above: '2000' },
    tighter: [{ above: '1999.99' }, { above: '0' }, 'always'],
    looser: [{ above: '2000.01' }, 'never'],
  },
};

/** What else a field may hold, and what is tighter than that. */
const ALSO: readonly (readonly [field: string, now: unknown, tighter: unknown])[] = [
  ['accounts', ['paper', 'second'], ['second']],
  ['symbols', ['*'], ['SPX']],
  ['sides', ['buy', 'sell'], ['sell']],
  ['may_reduce', 'account', 'own'],
  ['allow_short', true, false],
  ['trading_hours', 'any', 'session'],
  ['trading_hours', 'any', NIGHT],
  ['expires_at', null, '2030-01-01T00:00:00Z'],
  ['commit', 'one_step', 'two_step'],
  ['approval', 'never', { above: '1000000' }],
  ['approval', 'never', 'always'],
];

const withField = (field: string, now: unknown) =>
  set({ ...(field === 'symbols' ? { asset_classes: ['index', 'crypto'] } : {}), [field]: now });

describe('every field of a mandate', () => {
  test('is in the table', () => {
    const fields = Object.keys(MandateDocument.shape).filter((field) => field !== 'tests');
    expect(TIGHTEN_FIELDS.toSorted()).toEqual(fields.toSorted());
    expect(Object.keys(STEPS).toSorted()).toEqual(fields.toSorted());
  });

  test.each(Object.entries(STEPS))('%s', (field, { now, tighter, looser }) => {
    for (const asked of looser) {
      granted(withField(field, now));
      const before = current();
      expect(refused(tighten({ [field]: asked }))).toMatchObject({
        reason: 'loosening_refused',
        errors: [{ field, rule: expect.stringContaining('which is in force') as string }],
      });
      expect(current()).toEqual(before);
    }
    for (const asked of tighter) {
      granted(withField(field, now));
      const { mandate, changed } = granted(tighten({ [field]: asked }));
      expect(changed).toEqual([field]);
      expect(mandate.document).toEqual({
        ...current()?.document,
        [field]: typeof asked === 'number' && field === 'max_order_qty' ? String(asked) : asked,
      });
    }
    granted(withField(field, now));
    const { version } = granted(tighten({ [field]: now })).mandate;
    expect(granted(tighten({ [field]: now })).changed).toEqual([]);
    expect(current()?.version).toBe(version);
  });

  test.each(ALSO)('%s: from %j to %j', (field, now, asked) => {
    granted(withField(field, now));
    expect(granted(tighten({ [field]: asked })).changed).toEqual([field]);
    expect(refused(tighten({ [field]: now })).reason).toBe('loosening_refused');
  });

  test('of every symbol becomes symbols of its asset classes only', () => {
    granted(set({ symbols: ['*'], asset_classes: ['index'] }));
    expect(refused(tighten({ symbols: ['SPX', 'BTC/USD'] })).reason).toBe('loosening_refused');
    expect(granted(tighten({ symbols: ['SPX'] })).mandate.instruments).toEqual(new Set(['INDEX:SPX']));
  });

  test('is looked at by what its symbols mean: another name of the same one is the same', () => {
    granted(set({ symbols: ['SPX', 'BTC/USD'] }));
    expect(granted(tighten({ symbols: ['BTC/USD', 'SPX'] })).changed).toEqual([]);
    expect(refused(tighten({ symbols: ['NOPE'] }))).toMatchObject({
      reason: 'invalid_input',
      errors: [{ field: 'symbols.0' }],
    });
  });
});

describe('a call', () => {
  test('with one looser field changes nothing of the others, and names each looser one with what is in force', () => {
    const before = current();
    const refusal = refused(tighten({ max_daily_loss: '100', max_open_orders: 11, approval: 'never' }));
    expect(refusal.reason).toBe('loosening_refused');
    expect(refusal.errors).toEqual([
      { field: 'max_open_orders', value: '11', rule: 'no looser than 10, which is in force', nearest: '10' },
      {
        field: 'approval',
        value: 'never',
        rule: 'no looser than {"above":"2000"}, which is in force',
        nearest: '{"above":"2000"}',
      },
    ]);
    expect(refusal.detail).toMatch(/was not changed.*only the owner makes it looser.*max_open_orders/);
    expect(current()).toEqual(before);
    expect(told).toEqual([]);
    expect(room.events('mandate.tightened')).toEqual([]);
  });

  test('with fields that are none, or values that are none, is refused by the rules of the file', () => {
    const refusal = refused(tighten({ max_daily_los: '1', max_daily_loss: 'little', version: 3 }));
    expect(refusal.reason).toBe('invalid_input');
    expect(refusal.errors?.map(({ field }) => field)).toEqual(['max_daily_loss', 'max_daily_los', 'version']);
    for (const given of [null, [], 'max_daily_loss', 7, { sides: [] }, { tests: [] }])
      expect(refused(tighten(given)).reason).toBe('invalid_input');
  });

  test('makes a new version by the agent, on the record with what changed alone, and keeps the owner’s', () => {
    const also = { canceling: ['ord_1'] };
    const { mandate, changed } = granted(
      access.mandates.tighten(claude, { max_daily_loss: '100', sides: ['buy'] }, () => also),
    );
    expect(changed).toEqual(['sides', 'max_daily_loss']);
    expect(mandate.version).toBe(2);
    expect(current()).toEqual(mandate);
    expect(access.mandates.history(claude.agent)).toMatchObject([
      { mandate: { version: 2 }, author: 'agent' },
      { mandate: { version: 1, document: { max_daily_loss: '500' } }, author: 'owner' },
    ]);
    expect(room.events('mandate.tightened')).toMatchObject([
      {
        agent: 'claude',
        credential: claude.credential,
        outcome: 'ok',
        detail: {
          version: 2,
          before: { sides: ['buy', 'sell'], max_daily_loss: '500' },
          after: { sides: ['buy'], max_daily_loss: '100' },
          canceling: ['ord_1'],
        },
      },
    ]);
    expect(told).toEqual([claude.agent]);
    expect(access.agents.stateOf(claude.agent).state).toBe('ACTIVE');
  });

  test('for what is in force already writes nothing', () => {
    expect(granted(tighten({})).changed).toEqual([]);
    expect(granted(tighten({ max_daily_loss: '500.00' })).changed).toEqual([]);
    expect(current()?.version).toBe(1);
    expect(told).toEqual([]);
    expect(room.events('mandate.tightened')).toEqual([]);
  });

  test('that only looks changes nothing', () => {
    const looked = granted(access.mandates.checkTighten(claude.agent, { max_open_orders: 1 }));
    expect(looked).toMatchObject({
      changed: ['max_open_orders'],
      mandate: { version: 2, document: { max_open_orders: 1 } },
    });
    expect(current()?.version).toBe(1);
  });

  test('survives a restart, and the owner’s next mandate stands above it', () => {
    granted(tighten({ max_daily_loss: '100' }));
    room = room.restart();
    expect(room.access.mandates.current(claude.agent)?.document.max_daily_loss).toBe('100');
    granted(room.access.mandates.set('claude', MANDATE, OWNER_CLI));
    expect(room.access.mandates.current(claude.agent)).toMatchObject({
      version: 3,
      document: { max_daily_loss: '500' },
    });
  });
});

describe('a mandate that has ended', () => {
  test('is not tightened into life after it was revoked', () => {
    granted(access.mandates.revoke('claude', OWNER_CLI));
    expect(refused(tighten({ max_daily_loss: '1' })).reason).toBe('no_mandate');
    expect(refused(access.mandates.checkTighten(claude.agent, {})).reason).toBe('no_mandate');
    expect(access.agents.stateOf(claude.agent)).toEqual({ state: 'REDUCING', reason: 'mandate_revoked' });
  });

  test('is not tightened into life after its time', () => {
    granted(set({ expires_at: '2026-06-01T00:00:00Z' }));
    room.clock.setWall(Date.UTC(2026, 5, 1));
    expect(refused(tighten({ max_daily_loss: '1', expires_at: '2026-05-01T00:00:00Z' })).reason).toBe(
      'mandate_expired',
    );
    expect(access.agents.stateOf(claude.agent)).toEqual({ state: 'REDUCING', reason: 'mandate_expired' });
  });

  test('ends at once where the agent says so, and only the owner gives a new one', () => {
    granted(tighten({ expires_at: '2020-01-01T00:00:00Z' }));
    expect(access.agents.stateOf(claude.agent)).toEqual({ state: 'REDUCING', reason: 'mandate_expired' });
    expect(refused(tighten({ expires_at: '2020-01-01T00:00:00Z' })).reason).toBe('mandate_expired');
  });

  test('never was: there is nothing to tighten', () => {
    granted(access.agents.create('bare', undefined, OWNER_CLI));
    const { key } = granted(access.keys.create({ agent: 'bare', scopes: ['write:orders'], by: OWNER_CLI }));
    const bare = granted(access.keys.authenticate(key, { door: 'http' }));
    expect(refused(access.mandates.tighten(bare, { sides: ['buy'] })).reason).toBe('no_mandate');
  });
});

describe('an agent that may only reduce', () => {
  test('goes on to: a tighter mandate lifts nothing', () => {
    const today = access.mandateDay(access.wall());
    room.store.transaction(() => access.agents.setReducing(claude.agent, 'daily_loss', today));
    granted(tighten({ max_daily_loss: '400' }));
    expect(access.agents.stateOf(claude.agent)).toEqual({ state: 'REDUCING', reason: 'daily_loss' });
    granted(access.agents.halt('claude', claude, 'enough'));
    granted(tighten({ max_daily_loss: '300' }));
    expect(access.agents.stateOf(claude.agent).state).toBe('HALTED');
  });
});
