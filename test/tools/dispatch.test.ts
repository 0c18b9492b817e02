// The dispatcher: no step can be skipped, everything is on the record, and a fault tells nothing.
import { describe, expect, it } from 'vitest';
import type { Scope } from '#domain/principal.ts';
import { refuse } from '#domain/refusal.ts';
import { TOOLS } from '#tools/index.ts';
import { toolRoom } from '../support/tool-room.ts';
import { ORDER } from '../support/written-desk.ts';

const ORDER_ARGS = { symbol: 'SPX', side: 'buy', qty: '3', type: 'market' };
const COMMIT = { ...ORDER_ARGS, dry_run: false, action_token: 'act_1', idempotency_key: 'key-1' };
const reasonOf = (answer: Awaited<ReturnType<ReturnType<typeof toolRoom>['call']>>) =>
  answer.ok ? 'ok' : answer.refusal.reason;

describe('which tools a caller has', () => {
  it('lists exactly those whose scope it holds', () => {
    const room = toolRoom();
    const names = (...scopes: readonly Scope[]) =>
      room.dispatcher.listFor(room.withScopes(...scopes)).map(({ name }) => name);
    const needing = (...scopes: readonly Scope[]) =>
      TOOLS.filter(({ scope }) => scopes.includes(scope)).map(({ name }) => name);
    expect(names()).toEqual([]);
    expect(names('read:market')).toEqual(needing('read:market'));
    expect(names('read:market')).toContain('get_quotes');
    expect(names('read:market', 'read:account')).toEqual(needing('read:market', 'read:account'));
    expect(names('write:orders')).toEqual(needing('write:orders'));
    expect(names('read:market', 'read:account')).not.toContain('place_order');
    expect(room.dispatcher.listFor(room.principal)).toHaveLength(TOOLS.length);
  });

  it('refuses the others and names the scope, whatever the arguments', async () => {
    const room = toolRoom();
    const answer = await room.call('place_order', { junk: 1 }, room.withScopes('read:market'));
    expect(answer).toMatchObject({
      ok: false,
      refusal: {
        reason: 'insufficient_scope',
        status: 403,
        detail: expect.stringContaining('write:orders'),
      },
    });
    expect(answer).not.toHaveProperty('refusal.errors');
    expect(room.written.asked).toEqual([]);
  });

  it('knows nothing of a tool that there is not, and records that it was tried', async () => {
    const room = toolRoom();
    for (const tool of ['withdraw_funds', '__proto__', '', 'x'.repeat(5_000)]) {
      const call = { tool, args: {}, principal: room.principal, via: 'stdio' } as const;
      expect(await room.dispatcher.call(call)).toBeNull();
    }
    expect(room.recorded()[0]).toMatchObject({
      tool: 'withdraw_funds',
      outcome: 'refused',
      detail: { reason: 'not_found' },
    });
  });
});

describe('the order of the steps', () => {
  it('looks at the credential before the arguments', async () => {
    const room = toolRoom();
    room.endSessions();
    const answer = await room.call('place_order', { junk: 1 });
    expect(reasonOf(answer)).toBe('credential_revoked');
    expect(answer).not.toHaveProperty('refusal.errors');
    expect(room.written.asked).toEqual([]);
  });

  it('counts previews as reads, commits as writes, reduce tools on their own', async () => {
    const room = toolRoom({ rates: { read: { count: 3, per: 'hour' }, write: { count: 1, per: 'hour' } } });
    expect(reasonOf(await room.call('place_order', ORDER_ARGS))).toBe('ok');
    expect(reasonOf(await room.call('cancel_order', { order_id: 'ord_7', dry_run: true }))).toBe('ok');
    expect(reasonOf(await room.call('get_orders', {}))).toBe('ok');
    expect(reasonOf(await room.call('get_orders', {}))).toBe('rate_limited');
    expect(reasonOf(await room.call('place_order', COMMIT))).toBe('ok');
    expect(reasonOf(await room.call('place_order', COMMIT))).toBe('rate_limited');
    expect(reasonOf(await room.call('cancel_order', { order_id: 'ord_7' }))).toBe('ok');
    expect(reasonOf(await room.call('cancel_order', { order_id: 'ord_7' }))).toBe('rate_limited');
    expect(room.written.asked.map(({ method }) => method)).toEqual([
      'placeOrder',
      'cancelOrder',
      'orders',
      'placeOrder',
      'cancelOrder',
    ]);
  });

  it('counts a malformed call as a read', async () => {
    const room = toolRoom({ rates: { read: { count: 2, per: 'hour' }, write: { count: 9, per: 'hour' } } });
    expect(reasonOf(await room.call('place_order', { junk: 1 }))).toBe('invalid_input');
    expect(reasonOf(await room.call('place_order', { junk: 2 }))).toBe('invalid_input');
    expect(reasonOf(await room.call('place_order', { junk: 3 }))).toBe('rate_limited');
    expect(reasonOf(await room.call('place_order', COMMIT))).toBe('ok');
  });

  it('echoes what was repaired beside the answer', async () => {
    const room = toolRoom();
    expect(await room.call('get_positions', { status: 'OPEN ' })).toMatchObject({
      ok: true,
      output: { normalized: { status: 'open' } },
    });
    const plain = await room.call('get_positions', { status: 'open' });
    expect(plain.ok && Object.keys(plain.output)).toEqual(['positions']);
  });
});

describe('the record', () => {
  it('has every call with its door, tool, scope, outcome and arguments', async () => {
    const room = toolRoom();
    await room.call('get_quotes', { symbols: ['SPX'] });
    await room.call('place_order', ORDER_ARGS);
    await room.call('place_order', COMMIT);
    await room.call('cancel_all_orders', { account: 'paper' });
    const lines = room.recorded();
    expect(lines.map(({ tool, scope, outcome }) => [tool, scope, outcome])).toEqual([
      ['get_quotes', 'read:market', 'ok'],
      ['place_order', 'write:orders', 'ok'],
      ['place_order', 'write:orders', 'ok'],
      ['cancel_all_orders', 'write:orders', 'ok'],
    ]);
    expect(lines[1]?.detail).toEqual({ dry_run: true });
    expect(lines[2]).toMatchObject({
      agent: 'local',
      credential: 'local',
      door: 'stdio',
      account: 'paper',
      detail: { order_id: ORDER.orderId },
    });
    expect(lines[3]?.account).toBe('paper');
    expect(room.argumentsOf(lines[2]?.seq ?? 0)).toEqual({ ...COMMIT, action_token: '[redacted]' });
  });

  it('says how long a call took', async () => {
    const room = toolRoom({
      change: (services) => ({
        ...services,
        desk: {
          ...services.desk,
          listAccounts: (who) => {
            room.clock.advance(40);
            return services.desk.listAccounts(who);
          },
        },
      }),
    });
    await room.call('list_accounts', {});
    expect(room.recorded()[0]?.latency_ms).toBe(40);
  });

  it.each(['rejected', 'unknown', 'refused'] as const)(
    'tells an order that is %s from one that is not',
    async (status) => {
      const room = toolRoom();
      room.written.answerOrder({ ...ORDER, status });
      await room.call('place_order', COMMIT);
      await room.call('get_order', { order_id: 'ord_7' });
      expect(room.recorded().map(({ outcome }) => outcome)).toEqual([status, 'ok']);
    },
  );

  it('has refusals with their reason', async () => {
    const room = toolRoom();
    room.written.refuseWith(refuse('max_order_value', 'Too large.', { order_id: 'ord_9' }));
    await room.call('place_order', COMMIT);
    expect(room.recorded()).toMatchObject([
      { outcome: 'refused', detail: { reason: 'max_order_value', order_id: 'ord_9' } },
    ]);
  });

  it('has the figures of a limit that was broken, for a preview too', async () => {
    const room = toolRoom();
    const limits = [{ limit: 'max_order_value', used: '0', order: '20000', max: '10000', unit: 'USD' }];
    room.written.refuseWith(refuse('max_order_value', 'Too large.', { limits }));
    await room.call('place_order', ORDER_ARGS);
    expect(room.recorded()).toMatchObject([{ detail: { dry_run: true, reason: 'max_order_value', limits } }]);
    room.written.refuseWith(refuse('market_closed', 'Closed.'));
    await room.call('place_order', ORDER_ARGS);
    expect(room.recorded()[1]?.detail).not.toHaveProperty('limits');
  });

  it('has a flood of denials as one line a second with its count, not as thousands', async () => {
    const room = toolRoom();
    for (let n = 0; n < 300; n++) await room.call('place_order', { junk: n });
    const lines = room.recorded();
    expect(lines.length).toBeLessThan(5);
    const counted = lines.map(({ detail }) => Number(detail?.['count'] ?? 1));
    expect(counted.reduce((sum, count) => sum + count, 0)).toBe(300);
  });

  it('is durable before an action is answered; looks are committed in groups', async () => {
    let commits = 0;
    const room = toolRoom({
      change: (services) => ({
        ...services,
        transaction: (work) => {
          commits++;
          return services.transaction(work);
        },
      }),
    });
    await room.call('place_order', ORDER_ARGS);
    await room.call('get_orders', {});
    expect(commits).toBe(0);
    await room.call('place_order', COMMIT);
    expect(commits).toBe(1);
  });
});

describe('a fault inside', () => {
  const secret = 'pcl_canary /srv/gateway/portcullis.db at line 5';

  it('is told as internal, without its words, and unsafe to repeat once an order may have gone out', async () => {
    const room = toolRoom();
    room.written.failWith(new TypeError(secret));
    const answer = await room.call('place_order', COMMIT);
    expect(answer).toMatchObject({
      ok: false,
      refusal: { reason: 'internal', status: 500, retry_safe: false, verify_with: 'get_orders' },
    });
    expect(JSON.stringify(answer)).not.toContain('canary');
    expect(JSON.stringify(answer)).not.toContain('TypeError');
    const [line] = room.recorded();
    expect(line).toMatchObject({ outcome: 'error', detail: { reason: 'internal' } });
    expect(line?.detail?.['error']).toContain('TypeError');
  });

  it('of a read or a preview is safe to repeat', async () => {
    const room = toolRoom();
    room.written.failWith(new TypeError(secret));
    for (const [tool, args] of [
      ['get_orders', {}],
      ['get_gateway_status', {}],
      ['place_order', ORDER_ARGS],
      ['close_position', { symbol: 'SPX', dry_run: true }],
    ] as const) {
      const answer = await room.call(tool, args);
      expect(answer).toMatchObject({ ok: false, refusal: { reason: 'internal', retry_safe: true } });
      expect(answer).not.toHaveProperty('refusal.verify_with');
    }
  });

  it('before the tool began is safe to repeat too', async () => {
    const room = toolRoom({
      change: (services) => ({
        ...services,
        access: {
          ...services.access,
          stillLive: () => {
            throw new Error(secret);
          },
        },
      }),
    });
    expect(await room.call('place_order', COMMIT)).toMatchObject({
      ok: false,
      refusal: { reason: 'internal', retry_safe: true },
    });
    expect(room.written.asked).toEqual([]);
  });

  it.each([['a string'], [null], [undefined], [{ code: 7 }]])(
    'may be anything that can be thrown: %j',
    async (thrown) => {
      const room = toolRoom();
      room.written.failWith(thrown);
      expect(reasonOf(await room.call('cancel_order', { order_id: 'ord_7' }))).toBe('internal');
    },
  );
});

describe('a store that takes no writes', () => {
  const disk = Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_FSYNC' });

  it('is told as such', async () => {
    const room = toolRoom();
    room.written.failWith(disk);
    expect(await room.call('get_orders', {})).toMatchObject({
      ok: false,
      refusal: { reason: 'store_unavailable', status: 503, retry_safe: true },
    });
    expect(await room.call('place_order', COMMIT)).toMatchObject({
      ok: false,
      refusal: { reason: 'store_unavailable', retry_safe: false, verify_with: 'get_orders' },
    });
  });

  it('is no excuse for a statement of ours that is wrong', async () => {
    const room = toolRoom();
    room.written.failWith(Object.assign(new Error('NOT NULL'), { code: 'SQLITE_CONSTRAINT_NOTNULL' }));
    expect(reasonOf(await room.call('get_orders', {}))).toBe('internal');
  });

  it('does not stop a cancel, which is recorded when the store heals', async () => {
    const room = toolRoom();
    await room.call('get_orders', {});
    room.recorded();
    room.breakStore();
    expect(reasonOf(await room.call('cancel_order', { order_id: 'ord_7' }))).toBe('ok');
    room.healStore();
    expect(room.recorded().at(-1)).toMatchObject({
      tool: 'cancel_order',
      outcome: 'ok',
      detail: { deferred: true },
    });
  });

  it('does not stop a cancel even when calls can not be counted', async () => {
    const room = toolRoom({
      change: (services) => ({
        ...services,
        access: {
          ...services.access,
          rate: {
            take: () => {
              throw disk;
            },
          },
        },
      }),
    });
    expect(reasonOf(await room.call('cancel_order', { order_id: 'ord_7' }))).toBe('ok');
    expect(reasonOf(await room.call('place_order', COMMIT))).toBe('store_unavailable');
    expect(reasonOf(await room.call('get_orders', {}))).toBe('store_unavailable');
    expect(room.written.asked.map(({ method }) => method)).toEqual(['cancelOrder']);
  });

  it('gives no answer to a look that can not be recorded', async () => {
    const room = toolRoom({
      change: (services) => ({
        ...services,
        audit: {
          ...services.audit,
          recordGrouped: () => {
            throw disk;
          },
        },
      }),
    });
    expect(reasonOf(await room.call('get_orders', {}))).toBe('store_unavailable');
    expect(reasonOf(await room.call('place_order', ORDER_ARGS))).toBe('store_unavailable');
    expect(reasonOf(await room.call('place_order', COMMIT))).toBe('ok');
    expect(room.recorded().filter(({ detail }) => detail?.['deferred'] === true)).toHaveLength(2);
  });
});
