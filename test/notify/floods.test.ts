/** What an agent does fills the room of what agents do: the owner's alarms come all the same. */
import { expect, test } from 'vitest';
import { openNotifyRoom, openReceiver, titlesIn, webhookTo } from '../support/notify-room.ts';

const asking = (n: number, agent: string) => ({
  agent,
  account: 'paper',
  detail: { approval_id: `apr_${agent}_${n}`, order_id: `ord_${n}`, symbol: 'SPX', side: 'buy', qty: '1' },
});

test('an agent that asks and takes back again and again silences neither a kill, nor a breach, nor another agent', async () => {
  const room = openNotifyRoom();
  const hook = await openReceiver();
  webhookTo(room, hook);
  for (let n = 0; n < 90; n++) {
    room.happens({ kind: 'approval.requested', ...asking(n, 'bad') });
    room.happens({ kind: 'approval.withdrawn', ...asking(n, 'bad') });
    await room.clock.advanceAsync(300);
  }
  room.happens({ kind: 'approval.requested', ...asking(0, 'good') });
  room.happens({ kind: 'kill', detail: { cancel: 'adding', flatten: false, by: 'file', epoch: 2 } });
  room.happens({
    kind: 'limit.breached',
    account: 'paper',
    detail: { limit: 'max_drawdown', used: '31', max: '30', after: 'REDUCING' },
  });
  const come = (words: RegExp): boolean => titlesIn(hook).some((title) => words.test(title));
  await room.until(() => come(/kill/i) && come(/limit|fell|reduce/i) && come(/^good asks: /), { steps: 400 });
  expect(titlesIn(hook).filter((title) => title.startsWith('bad asks: ')).length).toBeLessThanOrEqual(20);
  expect(titlesIn(hook).filter((title) => title.startsWith('bad asks too often'))).toHaveLength(1);
});
