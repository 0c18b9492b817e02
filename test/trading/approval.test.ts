import { expect, test } from 'vitest';
import { OWNER_CLI, OWNER_CONSOLE } from '#domain/principal.ts';
import { commit, draft, granted, now, place, refusal, tradingRoom } from '../support/trading-room.ts';

test('an order that needs the owner waits, holds its reservation and sends nothing; approved, it is sent as it was shown', async () => {
  const room = await tradingRoom();
  const agent = room.agent('claude', { approval: 'always' });
  const order = await place(room, agent, draft({ side: 'buy', qty: '2', limit: room.ask().toFixed() }));
  expect(order).toMatchObject({ status: 'pending_approval', reason: null, brokerOrderId: null });
  const { approvals } = room.trading.owner;
  const [card] = approvals.waiting();
  console.log(JSON.stringify(card, null, 1));
  expect(card?.decision).toBeNull();
  if (card === undefined) throw new Error();
  const sent = granted(await approvals.approve({ id: card.id, digest: card.digest, by: OWNER_CONSOLE }));
  expect(sent.kind).toBe('sent');
  console.log(JSON.stringify(await now(room, agent, order)), JSON.stringify(room.events().slice(-8), null, 1));
});
