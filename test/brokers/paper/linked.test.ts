/** Rules 20 and 21: brackets, and legs of which one cancels the other. */
import { afterEach, describe, expect, test } from 'vitest';
import { PLAIN, paperVenue, type TestVenue, type VenueWords } from '../../support/paper-venue.ts';

const open: TestVenue[] = [];
function venue(words?: VenueWords): TestVenue {
  const made = paperVenue(words);
  open.push(made);
  return made;
}
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});
const at = (bid: string, size?: string) =>
  ({ bid, ask: (Number(bid) + 0.01).toFixed(2), ...(size ? { asks: size, bids: size } : {}) }) as const;

async function entered(v: TestVenue, qty = '100'): Promise<void> {
  v.step(at('100'));
  await v.place({ id: 'e', side: 'buy', qty, takeProfit: '110', stopLoss: '90' });
  v.step(at('100'));
}

describe('rule 20: a bracket', () => {
  test('for a buy needs its target above its stop, for a sell below', async () => {
    const v = venue();
    v.step(at('100'));
    expect(await v.place({ id: 'a', side: 'buy', qty: '1', takeProfit: '90', stopLoss: '110' })).toMatch(
      /target above/,
    );
    expect(await v.place({ id: 'b', side: 'buy', qty: '1', takeProfit: '90', stopLoss: '90' })).toMatch(
      /target above/,
    );
    expect(await v.place({ id: 'c', side: 'sell', qty: '1', takeProfit: '110', stopLoss: '90' })).toMatch(
      /target below/,
    );
    expect(await v.place({ id: 'd', side: 'sell', qty: '1', takeProfit: '90', stopLoss: '110' })).toBe(
      'accepted',
    );
  });

  test('its legs are orders of their own, held until the entry fills', async () => {
    const v = venue();
    v.step(at('100'));
    await v.place({ id: 'e', side: 'buy', qty: '100', limit: '99', takeProfit: '110', stopLoss: '90' });
    const orders = await v.adapter.openOrders();
    expect(orders.map((one) => [one.brokerClientId, one.type, one.side, one.timeInForce, one.held])).toEqual([
      ['e', 'limit', 'buy', 'gtc', false],
      ['e-sl', 'stop', 'sell', 'gtc', true],
      ['e-tp', 'limit', 'sell', 'gtc', true],
    ]);
    expect(new Set(orders.map((one) => one.brokerOrderId)).size).toBe(3);
    expect(v.step(at('120'))).toEqual([]);
    expect(await v.status('e-tp')).toBe('held 0/100');
  });

  test('children activate on fill, with the filled quantity', async () => {
    const v = venue();
    v.step(at('100'));
    await v.place({ id: 'e', side: 'buy', qty: '100', limit: '99.01', takeProfit: '110', stopLoss: '90' });
    v.step({ ...at('99', '40'), kind: 'move' });
    expect(await v.status('e')).toBe('partially_filled 40/100');
    expect(await v.status('e-sl')).toBe('open 0/40');
    expect(await v.status('e-tp')).toBe('open 0/40');
    v.step({ ...at('99', '35'), kind: 'move' });
    expect(await v.status('e-sl')).toBe('open 0/75');
  });

  test('cancelling the entry cancels the legs', async () => {
    const v = venue();
    v.step(at('100'));
    await v.place({ id: 'e', side: 'buy', qty: '100', limit: '99', takeProfit: '110', stopLoss: '90' });
    expect(await v.cancel('e')).toBe('accepted');
    expect(await v.status('e-sl')).toBe('canceled 0/100');
    expect(await v.status('e-tp')).toBe('canceled 0/100');
    expect(await v.adapter.openOrders()).toEqual([]);
  });

  test('cancelling a leg cancels the group', async () => {
    const v = venue();
    v.step(at('100'));
    await v.place({ id: 'e', side: 'buy', qty: '100', limit: '99', takeProfit: '110', stopLoss: '90' });
    expect(await v.cancel('e-tp')).toBe('accepted');
    expect(await v.adapter.openOrders()).toEqual([]);
    expect(await v.status('e')).toBe('canceled 0/100');
  });

  test('what the entry has bought stays protected when its rest is canceled', async () => {
    const v = venue();
    v.step(at('100'));
    await v.place({ id: 'e', side: 'buy', qty: '100', limit: '99.01', takeProfit: '110', stopLoss: '90' });
    v.step({ ...at('99', '40'), kind: 'move' });
    await v.cancel('e');
    expect(await v.status('e-sl')).toBe('open 0/40');
    expect(v.step({ ...at('89'), kind: 'move' })).toEqual(['sell 40@90']);
    expect(await v.adapter.positions()).toEqual([]);
  });

  test('an entry that expires takes its legs along, they themselves outlive the session', async () => {
    const v = venue();
    v.step(at('100'));
    await v.place({
      id: 'x',
      side: 'buy',
      qty: '1',
      limit: '99',
      tif: 'day',
      takeProfit: '110',
      stopLoss: '90',
    });
    await v.place({ id: 'e', side: 'buy', qty: '1', tif: 'day', takeProfit: '110', stopLoss: '90' });
    v.step({ ...at('100'), sessionEnd: true });
    expect(await v.status('x')).toBe('expired 0/1');
    expect(await v.status('x-sl')).toBe('canceled 0/1');
    expect(await v.status('e-sl')).toBe('open 0/1');
  });

  test('a target alone, or a stop alone, is a bracket too', async () => {
    const v = venue();
    v.step(at('100'));
    await v.place({ id: 't', side: 'buy', qty: '1', takeProfit: '110' });
    await v.place({ id: 's', side: 'buy', qty: '1', stopLoss: '90' });
    v.step(at('100'));
    expect(v.step({ ...at('111'), kind: 'move' })).toEqual(['sell 1@110']);
    expect(v.step({ ...at('89'), kind: 'move' })).toEqual(['sell 1@90']);
  });

  test('a leg can be moved and keeps its quantity', async () => {
    const v = venue();
    await entered(v);
    expect(await v.replace({ id: 'e-sl', side: 'sell', qty: '100', stop: '95' })).toBe('accepted');
    expect(await v.replace({ id: 'e-sl', side: 'sell', qty: '50', stop: '95' })).toMatch(
      /what its entry has filled/,
    );
    expect(v.step({ ...at('94'), kind: 'move' })).toEqual(['sell 100@95']);
  });

  test('the events tell it all, in order', async () => {
    const v = venue();
    await entered(v, '10');
    v.step({ ...at('111'), kind: 'move' });
    const told = v.events.map((event) =>
      event.kind === 'order'
        ? `${event.order.brokerClientId} ${event.order.held ? 'held' : event.order.status}`
        : event.kind,
    );
    expect(told).toEqual([
      'e open',
      'e-sl held',
      'e-tp held',
      'execution',
      'e filled',
      'e-sl open',
      'e-tp open',
      'execution',
      'e-tp filled',
      'e-sl canceled',
    ]);
  });
});

describe('rule 21: one cancels the other', () => {
  test("one leg's fill cancels the other", async () => {
    const v = venue();
    await entered(v);
    expect(v.step({ ...at('111'), kind: 'move' })).toEqual(['sell 100@110']);
    expect(await v.status('e-sl')).toBe('canceled 0/100');
    expect(v.step({ ...at('80'), kind: 'move' })).toEqual([]);
  });

  test('a partial fill reduces the other by as much', async () => {
    const v = venue();
    await entered(v);
    expect(v.step({ ...at('111', '30'), kind: 'move' })).toEqual(['sell 30@110']);
    expect(await v.status('e-sl')).toBe('open 0/70');
    expect(v.step({ ...at('89'), kind: 'move' })).toEqual(['sell 70@90']);
    expect(await v.status('e-tp')).toBe('canceled 30/100');
    expect(await v.adapter.positions()).toEqual([]);
  });

  test('both can never fill in one step, even where both prices are met', async () => {
    const v = venue();
    v.step(at('100'));
    await v.place({ id: 'e', side: 'buy', qty: '100', takeProfit: '99', stopLoss: '98' });
    v.step(at('100'));
    await v.replace({ id: 'e-sl', side: 'sell', qty: '100', stop: '101' });
    expect(v.step({ ...at('100', '30'), kind: 'gap' })).toEqual(['sell 30@100', 'sell 70@99.99']);
    expect(await v.status('e-tp')).toBe('canceled 0/100');
    expect(await v.adapter.positions()).toEqual([]);
  });

  test('not even when the first of them fills in part', async () => {
    const v = venue({ rules: { ...PLAIN, partialPercent: 100 } });
    v.step(at('100'));
    await v.place({ id: 'e', side: 'buy', qty: '100', tif: 'ioc', takeProfit: '99', stopLoss: '98' });
    v.step(at('100'));
    await v.replace({ id: 'e-sl', side: 'sell', qty: '100', stop: '101' });
    expect(v.step(at('100'))).toHaveLength(1);
    expect((await v.adapter.orderByClientId('e-sl'))?.status).toBe('partially_filled');
    expect((await v.adapter.orderByClientId('e-tp'))?.filledQty.toFixed()).toBe('0');
  });

  test('the pair reserves nothing twice', async () => {
    const v = venue({ cash: '10000' });
    v.step({ bid: '100', ask: '100' });
    await v.place({ id: 'e', side: 'buy', qty: '50', takeProfit: '110', stopLoss: '90' });
    v.step({ bid: '100', ask: '100' });
    expect((await v.adapter.balance()).buyingPower.toFixed()).toBe('5000');
  });

  test('a leg that is done ends what its entry still works', async () => {
    const v = venue();
    v.step(at('100'));
    await v.place({ id: 'e', side: 'buy', qty: '100', limit: '99.01', takeProfit: '110', stopLoss: '90' });
    v.step({ ...at('99', '40'), kind: 'move' });
    expect(v.step({ ...at('85'), kind: 'gap' })).toEqual(['sell 40@85']);
    expect(await v.status('e')).toBe('canceled 40/100');
    expect(await v.adapter.positions()).toEqual([]);
  });
});
