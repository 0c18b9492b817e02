/** Orders at Alpaca: what is sent, what comes of it, and what every trouble on the way makes of them. */
import { afterEach, describe, expect, it } from 'vitest';
import { text } from '#domain/decimal.ts';
import { cleared, type OrderWords } from '../../support/cleared.ts';
import { openAccount, type TestAccount } from './account.ts';

let opened: TestAccount | undefined;
afterEach(async () => {
  await opened?.close();
  opened = undefined;
});
const account = async (...given: Parameters<typeof openAccount>): Promise<TestAccount> => {
  opened = await openAccount(...given);
  return opened;
};
const order = (words: Partial<OrderWords> = {}) =>
  cleared({ id: 'pc_1', side: 'buy', qty: '10', limit: '180.25', instrument: 'ALPACA:AAPL', ...words });

describe('an order', () => {
  it('is placed, filled in parts and told of with each execution once', async () => {
    const { sim, adapter, events, soon, until } = await account();
    expect(await soon(adapter.place(order()))).toMatchObject({ kind: 'accepted' });
    sim.fillLatest('pc_1', '4', '180.20');
    sim.fillLatest('pc_1', '6', '180.25');
    const fills = () => events.flatMap((one) => (one.kind === 'execution' ? one.execution : []));
    const orders = () => events.flatMap((one) => (one.kind === 'order' ? one.order : []));
    await until(() => orders().at(-1)?.status === 'filled', 'it is filled');
    expect(fills().map(({ qty, executionId }) => [text(qty), executionId])).toEqual(
      sim.state.fills.map((fill) => [fill.qty, fill.activityId]),
    );
    expect(new Set(fills().map(({ brokerClientId }) => brokerClientId))).toEqual(new Set(['pc_1']));
  });
});
