/** Nobody is told that an order went out which did not, or of which nobody knows. */
import { expect, test } from 'vitest';
import { sentNotice } from '#console/sent-notice.ts';
import { ORDER_STATES } from '#domain/order.ts';

test('only an order that is at the broker, or was, is said to be sent', () => {
  const said = ORDER_STATES.map(
    (status) => [status, sentNotice({ orderId: 'ord_1', status }, 'Sent.')] as const,
  );
  const sent = said.filter(([, words]) => words === 'Sent.').map(([status]) => status);
  expect(sent).not.toContain('refused');
  expect(sent).toEqual(expect.arrayContaining(['open', 'partially_filled', 'filled', 'canceled', 'expired']));
  const others = Object.fromEntries(said.filter(([, words]) => words !== 'Sent.'));
  expect(Object.keys(others).sort()).toEqual(['refused', 'rejected', 'submitting', 'unknown']);
  expect(others).toMatchObject({
    refused: { warning: expect.stringMatching(/^Nothing was sent: ord_1/) as unknown },
    rejected: { warning: expect.stringMatching(/^The broker rejected ord_1/) as unknown },
    unknown: { warning: expect.stringMatching(/Do not send it again/) as unknown },
  });
});
