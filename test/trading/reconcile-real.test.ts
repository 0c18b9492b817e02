/** A real broker and the books: they begin where it stands, what it can not say keeps nothing else waiting, and nothing is told twice. */
import { describe, expect, it } from 'vitest';
import { money, quantity } from '#domain/decimal.ts';
import { instrumentId } from '#domain/instrument.ts';
import { RECONCILE_ALL_INTERVAL_MS, RECONCILE_INTERVAL_MS } from '#limits.ts';
import { settled } from '../support/limit-storm.ts';
import {
  ABC,
  buying,
  EURO,
  holds,
  placedAt,
  type RealAccount,
  realAccount,
  SPX,
} from '../support/real-account.ts';
import type { ScriptedBroker } from '../support/scripted-broker.ts';
import { commit, granted, now, PAPER, refusal, SECOND } from '../support/trading-room.ts';

const GONE = instrumentId('BROKER:GONE');
const rounds = (it: Pick<RealAccount, 'clock'>, count = 1): Promise<void> =>
  it.clock.advanceAsync((RECONCILE_ALL_INTERVAL_MS + RECONCILE_INTERVAL_MS) * count);
const external = ({ room }: RealAccount) =>
  room.trading.owner
    .positions({ account: SECOND, status: 'open' })
    .map(({ holder, symbol, qty }) => [holder, symbol, qty.toFixed()]);
const standing = ({ room }: RealAccount) => room.trading.owner.accountLimits.of(SECOND).standing;
const entry = ({ room }: RealAccount, name: string): string | undefined =>
  room.store.db
    .prepare("SELECT amount FROM ledger_balances WHERE account_id = 'second' AND entry = ?")
    .pluck()
    .get(name) as string | undefined;
function balanced({ room }: RealAccount): void {
  const refs = room.store.db.prepare('SELECT ref, amount FROM ledger').all() as readonly {
    ref: string;
    amount: string;
  }[];
  const sums = new Map<string, number>();
  for (const { ref, amount } of refs) sums.set(ref, (sums.get(ref) ?? 0) + Math.round(Number(amount) * 1e6));
  expect([...sums.values()].filter((sum) => sum !== 0)).toEqual([]);
}

describe('books that begin at a broker', () => {
  it('take its cash as capital and what it holds at the price that is asked for, and nobody has gained by it', async () => {
    const it = await realAccount({
      before({ broker, feed }) {
        broker.cash = '500';
        holds(broker, { [ABC.id]: '10', [SPX.id]: '-1' });
        feed.venue.set(ABC.id, ['20', '20.02']);
        feed.venue.set(SPX.id, ['5', '5.02']);
      },
    });
    expect(external(it)).toEqual([
      ['external', 'ABC', '10'],
      ['external', 'SPX', '-1'],
    ]);
    expect(entry(it, 'cash')).toBe('500');
    const view = granted(await it.room.trading.account(it.claude, SECOND));
    expect(view.dayPnl.toFixed()).toBe('0');
    expect(standing(it)).toMatchObject({ drawdownPercent: expect.anything() });
    expect(standing(it).equity.toFixed()).toBe('694.98');
    expect(standing(it).peak.toFixed()).toBe('694.98');
    expect(standing(it).loss.toFixed()).toBe('0');
    balanced(it);
    await rounds(it, 2);
    expect(it.room.events('reconcile.mismatch')).toHaveLength(2);
    it.feed.say(ABC.id, '21', '21.02');
    const history = granted(await it.room.trading.pnlHistory(it.claude, { account: SECOND, days: 7 }));
    expect(history.days.at(-1)?.unrealised.toFixed()).toBe('10');
    expect(granted(await it.room.trading.account(it.claude, SECOND)).dayPnl.toFixed()).toBe('10');
  });

  it('leave what has no price where it is: on the record once, through comparisons, until there is one', async () => {
    const it = await realAccount({ before: ({ broker }) => holds(broker, { [ABC.id]: '10' }) });
    await rounds(it, 3);
    expect(external(it)).toEqual([]);
    expect(it.room.events('reconcile.mismatch').map(({ detail }) => detail?.['why'])).toEqual([
      'there is no price',
    ]);
    holds(it.broker, { [ABC.id]: '12' });
    await rounds(it, 2);
    expect(it.room.events('reconcile.mismatch')).toHaveLength(2);
    it.feed.venue.set(ABC.id, ['20', '20.02']);
    await rounds(it, 2);
    expect(external(it)).toEqual([['external', 'ABC', '12']]);
    expect(it.room.events('reconcile.mismatch').at(-1)).toMatchObject({ outcome: 'ok' });
    expect(it.room.events('reconcile.mismatch')).toHaveLength(3);
  });

  it('begin once, wherever the process dies: what was not adopted is, and what was is not again', async () => {
    const it = await realAccount({
      before({ broker, feed }) {
        broker.cash = '500';
        feed.venue.set(ABC.id, ['20', '20.02']);
        // It dies after the cash and before the positions.
        Object.assign(broker, { positions: () => Promise.reject(new Error('gone')) });
      },
    });
    expect(entry(it, 'cash')).toBe('500');
    expect(external(it)).toEqual([]);
    holds(it.broker, { [ABC.id]: '10' });
    let { room } = it;
    for (let time = 0; time < 2; time++) {
      room = await room.restart();
      const again = { ...it, room };
      expect(external(again)).toEqual([['external', 'ABC', '10']]);
      expect(entry(again, 'cash')).toBe('500');
      expect(room.events('reconcile.mismatch')).toHaveLength(1);
      expect(granted(await room.trading.account(it.claude, SECOND)).dayPnl.toFixed()).toBe('0');
    }
  });

  it('adopt nothing in another currency and nothing that is in no list, and go on', async () => {
    const it = await realAccount({
      before({ broker, feed }) {
        holds(broker, { [EURO.id]: '3', [GONE]: '4', [ABC.id]: '1' });
        for (const { id } of [EURO, ABC]) feed.venue.set(id, ['20', '20.02']);
      },
    });
    await rounds(it, 2);
    expect(external(it)).toEqual([['external', 'ABC', '1']]);
    expect(it.room.events('reconcile.mismatch').map(({ detail }) => detail?.['why'] ?? 'adopted')).toEqual([
      'it is priced in EUR, and the account is in USD',
      'the instrument is not in the list',
      'adopted',
    ]);
    expect((await placedAt(it, buying('ABC', 'second', '20'))).status).toBe('open');
  });
});

describe('what a broker tells of instruments that are in no list', () => {
  const told = (it: RealAccount) => it.room.events('broker.unlisted').map(({ detail }) => detail?.['what']);

  it('keeps nothing else in its history from being posted, and is on the record once', async () => {
    const it = await realAccount();
    it.feed.venue.set(ABC.id, ['10', '10.01']);
    const order = await placedAt(it);
    it.broker.silent = true;
    const elsewhere = it.broker.placeElsewhere({ instrument: GONE, side: 'buy', qty: '1' });
    it.broker.fill(elsewhere, '1', '7');
    it.broker.fill(order.brokerClientId, '2', '10');
    await rounds(it, 2);
    expect((await now(it.room, it.claude, order)).status).toBe('filled');
    expect(told(it)).toEqual(['execution']);
    expect(external(it)).toEqual([[it.claude.agent, 'ABC', '2']]);
    // The position that came of it says by itself that it is apart.
    expect(it.room.events('reconcile.mismatch').map(({ detail }) => detail?.['instrument'])).toEqual([GONE]);
  });

  it('told on the stream waits for the history: nothing is posted and nothing lost', async () => {
    const it = await realAccount();
    const elsewhere = it.broker.placeElsewhere({ instrument: GONE, side: 'buy', qty: '1' });
    it.broker.fill(elsewhere, '1', '7');
    expect(it.room.events('broker.event_failed')).toEqual([]);
    await rounds(it);
    expect(told(it)).toEqual(['execution']);
  });

  it('is told once of an order that works, however often it is listed, and again when another one does', async () => {
    const it = await realAccount();
    it.broker.placeElsewhere({ instrument: GONE, side: 'buy', qty: '1' });
    it.broker.placeElsewhere({ instrument: ABC.id, side: 'buy', qty: '1' });
    await rounds(it, 3);
    expect(told(it)).toEqual(['order']);
    expect(it.room.trading.owner.orders({ agent: 'external', limit: 5 }).items).toHaveLength(1);
    it.broker.placeElsewhere({ instrument: GONE, side: 'buy', qty: '1' });
    await rounds(it, 2);
    expect(told(it)).toEqual(['order', 'order']);
  });
});

describe('ids', () => {
  it('of another account’s order are no order’s here: the fill is external, and the order untouched', async () => {
    const it = await realAccount();
    it.feed.venue.set(ABC.id, ['10', '10.01']);
    const theirs = await placedAt(it, buying('SPX', 'paper', '1440'));
    const id = it.broker.placeElsewhere({ instrument: ABC.id, side: 'buy', qty: '2' });
    const { brokerOrderId } = it.broker.order(id) ?? { brokerOrderId: '' };
    const execution = {
      ...it.broker.fill(id, '2', '10'),
      executionId: 'claimed',
      brokerOrderId: `${brokerOrderId}-other`,
      brokerClientId: theirs.brokerClientId,
    };
    it.broker.emit({ kind: 'execution', execution });
    await settled();
    expect(await now(it.room, it.claude, theirs)).toMatchObject({ account: PAPER, filledQty: quantity('0') });
    expect(external(it)).toEqual([['external', 'ABC', '4']]);
  });
});

describe('a broker that can not say what became of one order', () => {
  it('is compared in everything else, and the account is open', async () => {
    const it = await realAccount();
    it.feed.venue.set(ABC.id, ['10', '10.01']);
    it.broker.silent = true;
    it.broker.next.place.push({ effect: 'lose', answer: 'unknown' });
    const lost = await placedAt(it);
    const filled = await placedAt(it, buying('ABC', 'second', '9.9'));
    it.broker.fill(filled.brokerClientId, '2', '9.9');
    Object.assign(it.broker, {
      orderByClientId: () => Promise.reject(new Error('it lists the orders of today only')),
    });
    await rounds(it, 2);
    expect((await now(it.room, it.claude, lost)).status).toBe('unknown');
    expect((await now(it.room, it.claude, filled)).status).toBe('filled');
    expect(it.room.events('reconcile.failed')).toEqual([]);
    it.feed.venue.set(ABC.id, ['10', '10.01']);
    expect((await placedAt(it, buying('ABC', 'second', '9.8'))).status).toBe('open');
  });

  it('is not asked every few seconds for ever', async () => {
    const it = await realAccount();
    it.feed.venue.set(ABC.id, ['10', '10.01']);
    it.broker.next.place.push({ effect: 'lose', answer: 'unknown' });
    await placedAt(it);
    let asked = 0;
    Object.assign(it.broker, {
      orderByClientId: () => {
        asked++;
        return Promise.reject(new Error('it lists the orders of today only'));
      },
    });
    await it.clock.advanceAsync(600_000);
    const before = asked;
    await it.clock.advanceAsync(600_000);
    expect(asked - before).toBeLessThanOrEqual(10);
    expect(asked - before).toBeGreaterThan(5);
  });
});

describe('a broker that can not be asked for one order, and names ours among the open ones', () => {
  const ids = (broker: ScriptedBroker) => ({
    ...broker.capabilities.ids,
    scope: 'open_orders' as const,
    queryByClientId: false,
  });
  async function unclear() {
    const it = await realAccount({ queryByClientId: false });
    Object.assign(it.broker, { capabilities: { ...it.broker.capabilities, ids: ids(it.broker) } });
    it.feed.venue.set(ABC.id, ['10', '10.01']);
    it.broker.silent = true;
    it.broker.next.place.push({ effect: 'lose', answer: 'unknown' });
    return { it, order: await placedAt(it) };
  }

  it('proves by not listing it that it does not work, once nothing can be on its way', async () => {
    const { it, order } = await unclear();
    await it.clock.advanceAsync(20_000);
    expect((await now(it.room, it.claude, order)).status).toBe('unknown');
    await it.clock.advanceAsync(60_000);
    expect((await now(it.room, it.claude, order)).status).toBe('canceled');
    expect(it.broker.sent.place).toHaveLength(1);
  });

  it('proves nothing while something stands there that may be it and names nobody', async () => {
    const { it, order } = await unclear();
    const id = it.broker.placeElsewhere({ instrument: ABC.id, side: 'buy', qty: '2' });
    const open = it.broker.openOrders.bind(it.broker);
    Object.assign(it.broker, {
      openOrders: async () => (await open()).map((one) => ({ ...one, brokerClientId: null })),
    });
    await rounds(it, 5);
    expect((await now(it.room, it.claude, order)).status).toBe('unknown');
    expect(it.broker.order(id)?.status).toBe('open');
  });
});

describe('what the owner trades there in another currency', () => {
  it('is in no books, neither from the stream nor from the history: no rate is guessed, and the owner is told', async () => {
    const it = await realAccount();
    it.feed.venue.set(EURO.id, ['10', '10.01']);
    const id = it.broker.placeElsewhere({ instrument: EURO.id, side: 'buy', qty: '5' });
    it.broker.fill(id, '5', '10');
    holds(it.broker, { [EURO.id]: '5' });
    await rounds(it, 2);
    expect(external(it)).toEqual([]);
    // Its money went without a trade of ours: that is no loss, and hides none.
    expect(standing(it)).toMatchObject({ drawdownPercent: expect.anything() });
    expect([standing(it)?.loss.toFixed(), standing(it)?.drawdownPercent?.toFixed()]).toEqual(['0', '0']);
    expect(entry(it, `cost:${EURO.id}`)).toBeUndefined();
    balanced(it);
    const told = it.room.events('broker.unlisted').map(({ detail }) => detail);
    expect(told).toMatchObject([
      { what: 'execution', instrument: EURO.id, text: expect.stringMatching(/no rate/) },
    ]);
    expect(it.room.events('reconcile.mismatch')).toMatchObject([
      {
        outcome: 'unknown',
        detail: { adopted: false, why: 'it is priced in EUR, and the account is in USD' },
      },
    ]);
    // What is in dollars goes on being posted.
    it.feed.venue.set(ABC.id, ['10', '10.01']);
    it.broker.fill(it.broker.placeElsewhere({ instrument: ABC.id, side: 'buy', qty: '1' }), '1', '10');
    await settled();
    expect(external(it)).toEqual([['external', 'ABC', '1']]);
  });
});

describe('a broker that was away', () => {
  const stay = (it: RealAccount, connected: boolean) => it.broker.stay(connected);

  it('has its account closed until the books have been compared, which begins at once', async () => {
    const it = await realAccount();
    it.feed.venue.set(ABC.id, ['10', '10.01']);
    const order = await placedAt(it);
    stay(it, false);
    it.broker.silent = true;
    it.broker.fill(order.brokerClientId, '2', '10');
    await it.clock.advanceAsync(7_000);
    it.broker.silent = false;
    it.broker.deaf = true;
    stay(it, true);
    const refused = await it.room.trading.placeOrder(it.claude, buying('ABC'), commit());
    expect(refusal(refused).reason).toBe('reconciling');
    it.broker.deaf = false;
    stay(it, true);
    await settled(20);
    expect((await now(it.room, it.claude, order)).status).toBe('filled');
    expect((await placedAt(it)).status).toBe('open');
    expect(it.room.events('broker.connected').map(({ detail }) => detail?.['away_s'])).toEqual([
      7,
      undefined,
    ]);
  });

  it('and never said anything is listed with what is known of it, hides no other, and has its last word told once it has one', async () => {
    const it = await realAccount({
      before: ({ broker }) =>
        Object.assign(broker, { balance: () => Promise.reject(new Error('words of a broker')) }),
    });
    const listed = async () => granted(await it.room.trading.listAccounts(it.claude));
    const ids = async () => (await listed()).map(({ id }) => id);
    expect(await listed()).toMatchObject([
      { id: 'paper', connected: true, trouble: null, cash: expect.anything() },
      {
        id: 'second',
        mode: 'live',
        currency: 'USD',
        cash: null,
        equity: null,
        buyingPower: null,
        dayPnl: null,
        ageMs: null,
        connected: true,
        trouble: 'Its broker has not said anything yet.',
      },
    ]);
    expect(refusal(await it.room.trading.account(it.claude, SECOND)).reason).toBe('broker_unavailable');
    stay(it, false);
    const health = {
      connected: false,
      trouble: 'words of a broker',
      signInNeeded: false,
      sessionEndsAtMs: null,
    };
    Object.assign(it.broker, { health: () => health });
    const away = { connected: false, trouble: expect.stringMatching(/^Its broker is not connected; /) };
    expect((await listed())[1]).toMatchObject(away);
    expect(it.room.trading.status(it.claude).accounts[1]).toMatchObject({ mode: 'live', ...away });
    Object.assign(it.broker, { health: () => ({ ...health, signInNeeded: true }) });
    expect((await listed())[1]).toMatchObject({ trouble: 'Its owner has to sign in at the broker.' });
    stay(it, true);
    Object.assign(it.broker, { health: () => ({ ...health, connected: true }) });
    expect((await listed())[1]).toMatchObject({
      trouble: 'Something is amiss at its broker; its owner is shown what.',
    });
    expect(JSON.stringify([await listed(), it.room.trading.status(it.claude)])).not.toContain('words of');
    const said = { currency: 'USD', cash: money('7'), equity: money('7'), buyingPower: money('7') };
    Object.assign(it.broker, { balance: () => Promise.resolve(said) });
    expect(await ids()).toEqual(['paper', 'second']);
    stay(it, false);
    await it.clock.advanceAsync(30_000);
    const last = granted(await it.room.trading.account(it.claude, SECOND));
    expect([last.cash.toFixed(), last.ageMs]).toEqual(['7', 30_000]);
  });

  it('again in the middle of the comparison stays closed until the next one', async () => {
    const it = await realAccount();
    it.feed.venue.set(ABC.id, ['10', '10.01']);
    let answer: () => void = () => undefined;
    const positions = it.broker.positions.bind(it.broker);
    Object.assign(it.broker, {
      positions: async () => {
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
        return positions();
      },
    });
    stay(it, false);
    stay(it, true);
    await settled(20);
    stay(it, false);
    stay(it, true);
    answer();
    await settled(20);
    const refused = await it.room.trading.placeOrder(it.claude, buying('ABC'), commit());
    expect(refusal(refused).reason).toBe('reconciling');
    answer();
    await settled(20);
    expect((await placedAt(it)).status).toBe('open');
  });
});
