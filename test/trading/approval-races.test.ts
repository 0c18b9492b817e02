/** One decision, whoever comes first: two devices, the agent, the owner, a new mandate, the kill switch. */
import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import type { RefusalReason } from '#domain/refusal.ts';
import type { ApprovalCard, ApprovalDecision } from '#trading/approval-desk.ts';
import {
  approvalEvents,
  approveCard,
  ask,
  cardNow,
  holdBalance,
  type Queue,
  queueRoom,
  rejectCard,
} from '../support/approvals.ts';
import { seededNumbers } from '../support/random-trader.ts';
import { granted, reduce, refusal, WIDE_MANDATE } from '../support/trading-room.ts';

const TRIALS = 1_000;

describe('two devices that approve at once', () => {
  it(`send it once, in each of ${TRIALS} trials`, { timeout: 120_000 }, async () => {
    const seed = randomInt(1_000_000);
    const random = seededNumbers(seed);
    const { room, broker, claude } = await queueRoom();
    for (let trial = 0; trial < TRIALS; trial++) {
      const { order, card } = await ask(room, claude);
      const letGo = holdBalance(broker);
      const taps = [approveCard(room, card)];
      // The other device is a moment later, up to many turns of the loop.
      const turns = Math.floor(random() * 6);
      if (random() < 0.5) letGo();
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      taps.push(approveCard(room, card));
      letGo();
      const answers = await Promise.all(taps);
      const won = answers.filter((answer) => answer.ok && answer.value.kind === 'sent');
      const lost = answers.flatMap((answer) => (answer.ok ? [] : [answer.error.reason]));
      expect(won, `seed ${seed}, trial ${trial}`).toHaveLength(1);
      expect(lost, `seed ${seed}, trial ${trial}`).toEqual(['order_final']);
      expect(broker.sent.place, `seed ${seed}, trial ${trial}`).toEqual([order.brokerClientId]);
      granted(await room.trading.cancelOrder(claude, order.orderId, reduce()));
      broker.sent.place.length = 0;
      await room.clock.advanceAsync(250);
    }
    const kinds = approvalEvents(room);
    expect(kinds.filter((kind) => kind === 'approval.approved')).toHaveLength(TRIALS);
  });

  it('of which one rejects decide once', async () => {
    const { room, broker, claude } = await queueRoom();
    for (let trial = 0; trial < 50; trial++) {
      const { order, card } = await ask(room, claude);
      const letGo = holdBalance(broker);
      const tap = approveCard(room, card);
      if (trial % 2 === 0) granted(rejectCard(room, card));
      letGo();
      for (let turn = 0; turn < trial % 5; turn++) await Promise.resolve();
      const rejected = trial % 2 === 0 ? undefined : rejectCard(room, card);
      const approved = await tap;
      const decision = cardNow(room, card).decision;
      if (trial % 2 === 0 || rejected?.ok) {
        expect([decision, refusal(approved).reason]).toEqual(['rejected', 'order_final']);
        expect(broker.sent.place).toEqual([]);
      } else {
        expect([decision, granted(approved).kind]).toEqual(['approved', 'sent']);
        expect(broker.sent.place).toEqual([order.brokerClientId]);
        granted(await room.trading.cancelOrder(claude, order.orderId, reduce()));
      }
      broker.sent.place.length = 0;
      await room.clock.advanceAsync(1_100);
    }
  });
});

interface Act {
  readonly what: string;
  readonly does: (queue: Queue, card: ApprovalCard) => void | Promise<unknown>;
  readonly decision: ApprovalDecision;
  readonly status: 'refused' | 'canceled';
  /** Of a refusal, or the gateway’s own cause. */
  readonly reason: string | null;
}

const newMandate = (fields: Readonly<Record<string, unknown>>) => ({
  ...WIDE_MANDATE,
  approval: 'always',
  ...fields,
});
const setMandate =
  (fields: Readonly<Record<string, unknown>>): Act['does'] =>
  ({ room }) => {
    granted(room.access.mandates.set('claude', newMandate(fields), OWNER_CLI));
  };

const withdrawn = { decision: 'withdrawn', status: 'canceled', reason: null } as const;
const voided = (reason: RefusalReason) => ({ decision: 'void', status: 'refused', reason }) as const;

const ACTS: readonly Act[] = [
  {
    what: 'the owner rejects it on another device',
    does: ({ room }, card) => void granted(rejectCard(room, card)),
    decision: 'rejected',
    status: 'refused',
    reason: 'approval_rejected',
  },
  {
    what: 'its agent cancels it',
    does: ({ room, claude }, card) => room.trading.cancelOrder(claude, card.order.orderId, reduce()),
    ...withdrawn,
  },
  {
    what: 'its agent cancels all',
    does: ({ room, claude }) => room.trading.cancelAllOrders(claude, {}, reduce()),
    ...withdrawn,
  },
  {
    what: 'its agent halts itself',
    does: ({ room, claude }) => room.trading.haltTrading(claude, 'enough'),
    ...withdrawn,
    reason: 'the agent halted itself',
  },
  {
    what: 'the owner halts the agent',
    does: ({ room }) => void granted(room.trading.owner.haltAgent('claude')),
    ...withdrawn,
    reason: 'the owner halted the agent',
  },
  {
    what: 'the owner revokes the mandate',
    does: ({ room }) => void granted(room.access.mandates.revoke('claude', OWNER_CLI)),
    ...withdrawn,
    reason: 'the owner revoked the mandate',
  },
  {
    what: 'the mandate is edited so that it no longer fits',
    does: setMandate({ max_order_qty: '1' }),
    ...withdrawn,
    reason: 'it no longer fits the mandate',
  },
  {
    what: 'the mandate is edited so that today has no room for it',
    does: setMandate({ max_daily_value: '100' }),
    ...voided('max_daily_value'),
  },
  {
    what: 'the mandate’s hours no longer admit it',
    does: setMandate({
      trading_hours: { timezone: 'UTC', days: ['tue'], from: '09:00', to: '10:00' },
    }),
    ...voided('outside_trading_hours'),
  },
  {
    what: 'the credential that asked is revoked',
    does: ({ room, claude }) => void granted(room.access.keys.revoke(claude.credential, OWNER_CLI)),
    ...voided('credential_revoked'),
  },
  {
    what: 'the kill switch is pressed',
    async does({ room }) {
      const report = await room.trading.kill({ cancel: 'adding', flatten: false, by: 'cli' });
      expect(report.voided).toEqual([expect.stringMatching(/^apr_/)]);
    },
    ...voided('trading_halted'),
  },
  {
    what: 'the kill switch is pressed that cancels nothing, and trading resumes',
    async does({ room }) {
      await room.trading.kill({ cancel: 'none', flatten: false, by: 'cli' });
      granted(room.trading.resume('cli'));
    },
    ...voided('trading_halted'),
  },
  {
    what: 'a loss lets the agent only reduce',
    does({ room, claude }) {
      room.store.transaction(() =>
        room.access.agents.setReducing(
          claude.agent,
          'daily_loss',
          room.access.mandateDay(room.clock.wallMs()),
        ),
      );
    },
    ...voided('trading_reducing'),
  },
];

async function endsAs({ room, broker, claude }: Queue, card: ApprovalCard, act: Act): Promise<void> {
  expect(cardNow(room, card)).toMatchObject({
    decision: act.decision,
    order: { status: act.status, reason: act.reason },
  });
  expect(broker.sent).toEqual({ place: [], replace: [], cancel: [] });
  // Nothing is left reserved, and nothing comes back.
  expect(room.trading.owner.approvals.count()).toBe(0);
  expect(refusal(await approveCard(room, card)).reason).toBe('order_final');
  expect(room.trading.owner.mandateOf('claude')?.used[0]?.openOrders ?? 0).toBe(0);
  expect(approvalEvents(room)).toEqual(['approval.requested', `approval.${act.decision}`]);
  expect(claude.agentName).toBe('claude');
}

describe('what happens while the owner decides', () => {
  it.each(ACTS)('comes first when it is in mid-line: $what', async (act) => {
    const queue = await queueRoom();
    const { room, broker, claude } = queue;
    const { card } = await ask(room, claude);
    const letGo = holdBalance(broker);
    const tap = approveCard(room, card);
    await act.does(queue, card);
    letGo();
    expect((await tap).ok).toBe(false);
    await endsAs(queue, card, act);
  });

  it.each(ACTS)('comes first when it was before: $what', async (act) => {
    const queue = await queueRoom();
    const { card } = await ask(queue.room, queue.claude);
    await act.does(queue, card);
    expect((await approveCard(queue.room, card)).ok).toBe(false);
    await endsAs(queue, card, act);
  });
});

describe('what can not be written down is over all the same', () => {
  it('when its agent took it back, and when the kill switch was pressed', async () => {
    const queue = await queueRoom();
    const { room, broker, claude } = queue;
    const { card: mine } = await ask(room, claude);
    const { card: other } = await ask(room, claude);
    room.store.db.pragma('query_only = ON');
    await expect(room.trading.cancelOrder(claude, mine.order.orderId, reduce())).rejects.toThrow();
    await room.trading.kill({ cancel: 'none', flatten: false, by: 'file' });
    room.store.db.pragma('query_only = OFF');
    granted(room.trading.resume('cli'));
    expect(refusal(await approveCard(room, mine)).reason).toBe('order_final');
    await room.clock.advanceAsync(1_000);
    expect(cardNow(room, mine).decision).toBe('withdrawn');
    expect(cardNow(room, other)).toMatchObject({ decision: 'void', order: { reason: 'trading_halted' } });
    expect(broker.sent.place).toEqual([]);
  });
});
