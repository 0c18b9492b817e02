/** Everything that goes wrong between us and Alpaca, and that nothing is lost, doubled or guessed through it. */
import { afterEach, describe, expect, it } from 'vitest';
import { text } from '#domain/decimal.ts';
import type { BrokerEvent, BrokerExecution } from '#ports.ts';
import { cleared, type OrderWords } from '../../support/cleared.ts';
import { openAccount, type TestAccount } from './account.ts';
import { activityPayload } from './simulator/payloads.ts';

let opened: TestAccount | undefined;
afterEach(async () => {
  const account = opened;
  opened = undefined;
  await account?.close();
});
const account = async (...given: Parameters<typeof openAccount>): Promise<TestAccount> => {
  opened = await openAccount(...given);
  return opened;
};
const order = (words: Partial<OrderWords> = {}) =>
  cleared({ id: 'pc_1', side: 'buy', qty: '10', limit: '180', instrument: 'ALPACA:AAPL', ...words });
const fillsOf = ({ events }: TestAccount): readonly BrokerExecution[] =>
  events.flatMap((one) => (one.kind === 'execution' ? one.execution : []));
const connectionsOf = ({ events }: TestAccount): readonly boolean[] =>
  events.flatMap((one) => (one.kind === 'connection' ? one.connected : []));
const count = ({ sim }: TestAccount, start: string): number =>
  sim.exchanges.filter(({ method, url }) => `${method} ${url}`.startsWith(start)).length;

describe('a new order', () => {
  it.each([
    ['its answer never comes', { kind: 'silence', done: true }],
    ['its connection is reset', { kind: 'reset', done: true }],
    ['its answer is cut off', { kind: 'cut', done: true }],
    ['its answer is not JSON', { kind: 'answer', text: () => '<html>' }],
    ['its answer is of another order', { kind: 'answer', text: (t: string) => t.replaceAll('pc_1', 'pc_9') }],
    ['Alpaca answers 500', { kind: 'status', status: 500, done: true }],
    ['Alpaca answers 504', { kind: 'status', status: 504, done: true }],
    ['Alpaca redirects it', { kind: 'status', status: 307, done: true }],
  ] as const)('is unknown when %s, is there once, and is found under its id', async (_, fault) => {
    const here = await account();
    here.sim.next('POST /v2/orders', fault);
    expect(await here.soon(here.adapter.place(order()))).toMatchObject({ kind: 'unknown' });
    expect(await here.soon(here.adapter.orderByClientId('pc_1'))).toMatchObject({ status: 'open' });
    await here.clock.advanceAsync(60_000);
    expect(count(here, 'POST /v2/orders')).toBe(1);
    expect(here.sim.state.orders).toHaveLength(1);
  });

  it('that never arrived is unknown, and Alpaca’s word that it has none is told as such', async () => {
    const here = await account();
    here.sim.next('POST /v2/orders', { kind: 'reset', done: false });
    expect(await here.soon(here.adapter.place(order()))).toMatchObject({ kind: 'unknown' });
    expect(await here.soon(here.adapter.orderByClientId('pc_1'))).toBeUndefined();
    expect(here.adapter.capabilities.ids.absentIsFinalAfterMs).toBeGreaterThan(10_000);
  });

  it('is not sent while the gate is down, though it had its turn', async () => {
    const here = await account({ gate: () => 'the kill switch was pressed' });
    expect(await here.soon(here.adapter.place(order()))).toEqual({
      kind: 'not_sent',
      reason: 'the kill switch was pressed',
    });
    expect(count(here, 'POST')).toBe(0);
  });

  it('is not sent while the stream of orders is away', async () => {
    const here = await account();
    await here.sim.listen(false);
    await here.until(() => !here.adapter.connected(), 'the loss is noticed');
    expect(await here.soon(here.adapter.place(order()))).toMatchObject({ kind: 'not_sent' });
    await here.sim.listen(true);
    await here.until(() => here.adapter.connected(), 'it is back');
    expect(connectionsOf(here)).toEqual([true, false, true]);
    expect(await here.soon(here.adapter.place(order()))).toMatchObject({ kind: 'accepted' });
  });

  it('after a 429 waits as long as Alpaca asked, and cancels go first', async () => {
    const here = await account();
    await here.soon(here.adapter.place(order()));
    here.sim.next('POST /v2/orders', { kind: 'status', status: 429, headers: { 'retry-after': '3' } });
    expect(await here.soon(here.adapter.place(order({ id: 'pc_2' })))).toMatchObject({ kind: 'rejected' });
    expect(here.adapter.health().trouble).toContain('too many requests');
    expect(here.adapter.health().requests).toMatchObject({ heldForMs: 3_000, rules: [{ max: 200 }] });
    const fromMs = here.clock.monotonicMs();
    const next = here.adapter.place(order({ id: 'pc_3' }));
    const cancel = here.adapter.cancel({ brokerClientId: 'pc_1' });
    expect(await here.soon(cancel)).toMatchObject({ kind: 'accepted' });
    expect(await here.soon(next)).toMatchObject({ kind: 'accepted' });
    expect(here.clock.monotonicMs() - fromMs).toBeGreaterThanOrEqual(3_000);
    const sent = here.sim.exchanges.map(({ method }) => method).filter((one) => one !== 'GET');
    expect(sent).toEqual(['POST', 'POST', 'DELETE', 'POST']);
  });

  it('that would wait longer than the line does for an answer is not sent', async () => {
    const here = await account();
    here.sim.next('POST /v2/orders', { kind: 'status', status: 429, headers: { 'retry-after': '60' } });
    await here.soon(here.adapter.place(order()));
    expect(await here.soon(here.adapter.place(order({ id: 'pc_2' })))).toMatchObject({ kind: 'not_sent' });
    expect(count(here, 'POST')).toBe(1);
  });
});

describe('fills', () => {
  it('told twice by the stream are told once', async () => {
    const here = await account();
    await here.soon(here.adapter.place(order()));
    const fill = here.sim.fillLatest('pc_1', '4', '180');
    here.sim.retellFill(fill);
    here.sim.retellFill(fill);
    await here.until(() => fillsOf(here).length > 0, 'the fill is told');
    await here.clock.advanceAsync(20_000);
    expect(fillsOf(here)).toHaveLength(1);
  });

  it('that overtake each other and the acknowledgement are all there, and the order ends filled', async () => {
    const here = await account();
    here.sim.streams.hold();
    const placed = here.adapter.place(order());
    await here.until(() => here.sim.state.orders.length === 1, 'it arrives');
    here.sim.fillLatest('pc_1', '4', '180');
    here.sim.fillLatest('pc_1', '6', '179.99');
    here.sim.streams.release('reversed');
    await here.soon(placed);
    await here.until(() => fillsOf(here).length === 2, 'both are told');
    await here.until(() => lastStatus(here.events) === 'filled', 'the order is told');
    await here.clock.advanceAsync(10_000);
    expect(lastStatus(here.events)).toBe('filled');
  });

  it('that the history has late are told when it has them', async () => {
    const here = await account();
    await here.soon(here.adapter.place(order()));
    const fill = here.sim.fillLatest('pc_1', '10', '180');
    (fill as { hidden: boolean }).hidden = true;
    await here.clock.advanceAsync(700);
    expect(fillsOf(here)).toEqual([]);
    (fill as { hidden: boolean }).hidden = false;
    await here.until(() => fillsOf(here).length === 1, 'it is told');
  });

  it('while nobody listened are in the history, once, and nothing from before the connection is', async () => {
    const here = await account({
      prepare: (sim) => {
        sim.book.submit({
          symbol: 'AAPL',
          qty: '1',
          side: 'buy',
          type: 'market',
          time_in_force: 'day',
          client_order_id: 'old',
        });
        sim.fillLatest('old', '1', '190');
      },
    });
    await here.clock.advanceAsync(1_000);
    const { cursor, executions } = await here.soon(here.adapter.historySince(undefined));
    expect(executions).toEqual([]);
    await here.soon(here.adapter.place(order()));
    here.sim.streams.drop('orders');
    await here.clock.advanceAsync(50);
    here.sim.fillLatest('pc_1', '10', '180');
    const found = await here.soon(here.adapter.historySince(cursor));
    expect(found.executions.map(({ qty, brokerClientId }) => [text(qty), brokerClientId])).toEqual([
      ['10', 'pc_1'],
    ]);
    expect((await here.soon(here.adapter.historySince(found.cursor))).executions).toEqual([]);
  });

  it('from before the connection are nobody’s news, though the history lists them late', async () => {
    const here = await account();
    const { cursor } = await here.soon(here.adapter.historySince(undefined));
    await here.soon(here.adapter.place(order()));
    here.sim.fillLatest('pc_1', '10', '180');
    const before = { ...activityPayload(here.sim.fillLatest('pc_1', '1', '170')), id: 'early::1' };
    here.sim.state.fills.pop();
    const early = JSON.stringify({ ...before, transaction_time: '2026-01-05T11:59:59.5Z' });
    here.sim.next('GET /v2/account/activities/FILL', {
      kind: 'answer',
      text: (t) => t.replace('[', `[${early},`),
    });
    const found = await here.soon(here.adapter.historySince(cursor));
    expect(found.executions.map(({ executionId }) => executionId)).not.toContain('early::1');
  });

  it('of options and of orders in several legs are left out, and the owner is told', async () => {
    const here = await account();
    const option = { ...here.sim.state.assets.get('AAPL'), symbol: 'AAPL250620C00100000' };
    const placed = here.sim.book.submit({
      symbol: 'AAPL',
      qty: '1',
      side: 'buy',
      type: 'limit',
      limit_price: '1',
      time_in_force: 'day',
    });
    Object.assign(here.sim.state.orders[0] ?? {}, {
      symbol: option.symbol,
      asset_class: 'us_option',
      asset_id: crypto.randomUUID(),
    });
    expect(placed.status).toBe(200);
    expect(await here.soon(here.adapter.openOrders())).toEqual([]);
    expect(here.adapter.health().trouble).toContain('AAPL250620C00100000');
    // In several legs neither side nor symbol is told.
    here.sim.next('GET /v2/orders?', {
      kind: 'answer',
      text: (t) =>
        t.replace('"symbol":"AAPL250620C00100000"', '"symbol":""').replace('"side":"buy"', '"side":""'),
    });
    const again = await here.reopen();
    opened = again;
    await here.soon(here.adapter.close());
    expect(await again.soon(again.adapter.openOrders())).toEqual([]);
    expect(again.adapter.health().trouble).toContain('several legs');
  });
});

const lastStatus = (events: readonly BrokerEvent[]): string | undefined =>
  events.findLast((one) => one.kind === 'order')?.order.status;

describe('the connection', () => {
  it('that is half open is found dead and made anew', async () => {
    const here = await account();
    here.sim.streams.freeze('orders');
    await here.until(() => connectionsOf(here).includes(false), 'the loss is noticed');
    await here.until(() => here.adapter.connected(), 'it is back');
    expect(here.sim.streams.opened.orders).toBe(2);
    expect(here.clock.monotonicMs()).toBeLessThan(45_000);
  });

  it('with a key that is revoked in mid-session says so, sends nothing, and comes back with the key', async () => {
    const here = await account();
    const { secret } = here.sim.state;
    here.sim.state.secret = 'rotated at the broker';
    await expect(here.soon(here.adapter.positions())).rejects.toThrow('unauthorized');
    expect(here.adapter.connected()).toBe(false);
    expect(here.adapter.health()).toMatchObject({
      connected: false,
      trouble: expect.stringContaining('revoked'),
    });
    expect(connectionsOf(here)).toEqual([true, false]);
    expect(await here.soon(here.adapter.place(order()))).toMatchObject({ kind: 'not_sent' });
    expect(count(here, 'POST')).toBe(0);
    here.sim.state.secret = secret;
    await here.until(() => here.adapter.connected(), 'the key is good again');
  });

  it('with a wrong key never opens, and its health holds no part of it', async () => {
    const here = await account({
      wait: false,
      prepare: (sim) => {
        sim.state.keyId = 'PKWRONGKEY0000000001';
      },
    });
    here.sim.state.keyId = 'PKTHERIGHTONE0000001';
    await here.until(() => here.adapter.health().trouble?.includes('refuses the key'), 'it is refused');
    expect(here.adapter.connected()).toBe(false);
    expect(JSON.stringify([here.adapter.health(), here.events])).not.toContain('PKWRONG');
  });

  it.each([
    ['trading_blocked', 'blocked trading'],
    ['account_blocked', 'blocked the account'],
    ['trade_suspended_by_user', 'suspended'],
  ] as const)('tells the owner of %s', async (flag, words) => {
    const here = await account({
      prepare: ({ state }) => {
        state.accountFlags = { ...state.accountFlags, [flag]: true };
      },
    });
    expect(here.adapter.health().trouble).toContain(words);
    expect(await here.soon(here.adapter.place(order()))).toMatchObject({ kind: 'rejected' });
  });

  it('on which the sign-in is never answered is made anew', async () => {
    const here = await account();
    here.sim.streams.muteSignIns(true);
    here.sim.streams.drop('orders');
    await here.until(() => here.sim.streams.opened.orders >= 3, 'it is tried again');
    expect(here.adapter.connected()).toBe(false);
    here.sim.streams.muteSignIns(false);
    await here.until(() => here.adapter.connected(), 'it is back');
  });

  it('through which an execution is taken back has the account compared', async () => {
    const here = await account();
    await here.soon(here.adapter.place(order()));
    const before = connectionsOf(here).length;
    const bust = { event: 'trade_bust', order: here.sim.order('pc_1') };
    here.sim.streams.raw('orders', JSON.stringify({ stream: 'trade_updates', data: bust }));
    await here.until(() => connectionsOf(here).length > before, 'doubt is told');
  });

  it('of an account in another currency does not open', async () => {
    const here = await account({
      wait: false,
      prepare: ({ state }) => {
        state.accountFlags.currency = 'EUR';
      },
    });
    await here.until(() => here.adapter.health().trouble?.includes('EUR'), 'it is told');
    expect(here.adapter.connected()).toBe(false);
  });

  it('says what may be sold short by what the account may', async () => {
    const here = await account();
    expect(here.adapter.accountType).toBe('margin');
    here.sim.state.accountFlags.shorting_enabled = false;
    await here.until(() => here.adapter.accountType === 'cash', 'the next look');
  });

  it('tells of a clock that is wrong, and counts by Alpaca’s', async () => {
    const here = await account({
      prepare: (sim) => {
        sim.clockSkewMs = -3_600_000;
      },
    });
    expect(here.adapter.health().trouble).toContain('3600 s ahead');
    const { cursor } = await here.soon(here.adapter.historySince(undefined));
    await here.soon(here.adapter.place(order()));
    here.sim.fillLatest('pc_1', '10', '180');
    expect((await here.soon(here.adapter.historySince(cursor))).executions).toHaveLength(1);
  });

  it('through which an order is told of in words that can not be read has the account compared', async () => {
    const here = await account();
    await here.soon(here.adapter.place(order()));
    const before = connectionsOf(here).length;
    here.sim.streams.raw('orders', '{"stream":"trade_updates","data":{"event":"fill","order":{"id":7}}}');
    await here.until(() => connectionsOf(here).length > before, 'doubt is told');
    expect(here.adapter.connected()).toBe(true);
  });
});

describe('odd words and figures', () => {
  it('a state that is not known frees nothing', async () => {
    const here = await account();
    await here.soon(here.adapter.place(order()));
    Object.assign(here.sim.order('pc_1'), { status: 'accepted_for_bidding' });
    expect(await here.soon(here.adapter.orderByClientId('pc_1'))).toMatchObject({ status: 'open' });
    here.sim.next('GET /v2/orders:by', {
      kind: 'answer',
      text: (t) => t.replace('accepted_for_bidding', 'quantum'),
    });
    expect(await here.soon(here.adapter.orderByClientId('pc_1'))).toMatchObject({
      status: 'open',
      reason: expect.stringContaining('quantum'),
    });
  });

  it('figures beyond 2^53 and with eighteen places stay as they were written', async () => {
    const here = await account();
    here.sim.next('GET /v2/account', {
      kind: 'answer',
      text: (t) => t.replace(/"cash":"[^"]*"/, '"cash":9007199254740993.000000000000000001'),
    });
    expect(text((await here.soon(here.adapter.balance())).cash)).toBe('9007199254740993.000000000000000001');
  });

  it('a question that is not answered is no answer', async () => {
    const here = await account();
    here.sim.next('GET /v2/positions', { kind: 'answer', text: () => '{"positions":' });
    await expect(here.soon(here.adapter.positions())).rejects.toThrow('can not read');
    here.sim.next('GET /v2/orders:by', { kind: 'status', status: 503 });
    await expect(here.soon(here.adapter.orderByClientId('pc_1'))).rejects.toThrow();
    here.sim.next('GET /v2/orders?', { kind: 'silence', done: true });
    await expect(here.soon(here.adapter.openOrders())).rejects.toThrow('did not answer');
  });
});
