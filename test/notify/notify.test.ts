/** From the record to a destination: at least once, with one id, whatever dies in between. */
import { describe, expect, test } from 'vitest';
import { isSigned, openNotifyRoom, openReceiver, realTurn } from '../support/notify-room.ts';

const halted = { kind: 'agent.halted', agent: 'claude', detail: { after: 'agent', why: 'it is late' } };

describe('what is on the record', () => {
  test('comes to a webhook, signed, with an id and a link', async () => {
    const room = openNotifyRoom();
    const receiver = await openReceiver();
    const { secret = '' } = room.destination({
      channel: 'webhook',
      fields: { secret_url: `${receiver.url}/hook?t=1` },
    });
    room.happens(halted);
    await room.until(() => receiver.received.length > 0);
    const [got] = receiver.received;
    if (got === undefined) throw new Error('nothing came');
    expect(got.path).toBe('/hook?t=1');
    expect(isSigned(got, secret)).toBe(true);
    expect(isSigned({ ...got, body: `${got.body} ` }, secret)).toBe(false);
    expect(JSON.parse(got.body)).toEqual({
      type: 'agent',
      timestamp: '2026-01-05T12:00:00.200Z',
      data: expect.objectContaining({
        id: got.headers['webhook-id'],
        title: 'claude has halted itself',
        url: 'http://127.0.0.1:7800/admin/agents/claude',
      }) as never,
    });
    await room.until(() => room.rows(`SELECT 1 FROM notify_jobs WHERE state = 'sent'`).length === 1);
    await realTurn();
    expect(receiver.received).toHaveLength(1);
    expect(room.faults).toEqual([]);
  });
});
