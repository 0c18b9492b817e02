/** What is owned beyond the day: as the broker lists it, else as the positions say; of the caller's accounts alone. */
import { describe, expect, it } from 'vitest';
import { price, quantity } from '#domain/decimal.ts';
import { instrumentId } from '#domain/instrument.ts';
import type { BrokerHolding } from '#ports.ts';
import { ABC, placedAt, type RealAccount, realAccount, SPX } from '../support/real-account.ts';
import { granted, refusal, SECOND } from '../support/trading-room.ts';

const holding = (id: string, change: Partial<BrokerHolding> = {}): BrokerHolding => ({
  instrument: instrumentId(id),
  qty: quantity('12'),
  unsettledQty: quantity('2'),
  lockedQty: quantity('0'),
  avgPrice: price('9.5'),
  ...change,
});
const listed = (it: RealAccount, holdings: () => Promise<readonly BrokerHolding[]>): void =>
  void Object.assign(it.broker, {
    capabilities: { ...it.broker.capabilities, holdings: true },
    holdings,
  });
const shown = async ({ room, claude }: RealAccount, filter = {}) =>
  JSON.parse(JSON.stringify(granted(await room.trading.holdings(claude, filter)))) as readonly object[];

describe('holdings', () => {
  it('are those that the broker lists, priced by the account’s own feed, the unlisted one too', async () => {
    const it = await realAccount();
    it.feed.venue.set(ABC.id, ['10', '10.01']);
    listed(it, () =>
      Promise.resolve([
        holding('BROKER:ABC', { product: 'cnc' }),
        holding('BROKER:GONE\u202e', { avgPrice: null, lockedQty: quantity('12') }),
      ]),
    );
    const account = { account: 'second', qty: '12', unsettledQty: '2', source: 'broker' };
    expect(await shown(it)).toEqual([
      { ...account, symbol: 'ABC', lockedQty: '0', avgPrice: '9.5', marketPrice: '10', product: 'cnc' },
      { ...account, symbol: 'BROKER:GONE', lockedQty: '12', avgPrice: null, marketPrice: null },
    ]);
    expect(await shown(it, { symbol: 'ABC' })).toHaveLength(1);
    expect(await shown(it, { symbol: 'SPX' })).toEqual([]);
  });

  it('of a broker that lists none are the positions that are paid for: nothing short, nothing on margin', async () => {
    const it = await realAccount();
    it.feed.venue.set(ABC.id, ['10', '10.01']);
    const bought = await placedAt(it);
    it.broker.fill(bought.brokerClientId, '2', '10');
    const sold = it.broker.placeElsewhere({ instrument: SPX.id, side: 'sell', qty: '1' });
    it.broker.fill(sold, '1', '5');
    expect(await shown(it)).toEqual([
      {
        account: 'second',
        symbol: 'ABC',
        qty: '2',
        unsettledQty: '0',
        lockedQty: '0',
        avgPrice: '10',
        marketPrice: '10',
        source: 'positions',
      },
    ]);
  });

  it('are refused where the broker does not answer, and where the account is another’s', async () => {
    const it = await realAccount();
    listed(it, () => Promise.reject(new Error('503')));
    const filter = { account: SECOND };
    expect(refusal(await it.room.trading.holdings(it.claude, filter)).reason).toBe('broker_unavailable');
    const other = it.room.agent('other', { accounts: ['paper'] });
    expect(refusal(await it.room.trading.holdings(other, filter)).reason).toBe('account_not_allowed');
    expect(granted(await it.room.trading.holdings(other, {}))).toEqual([]);
  });
});
