// When a local engine ends: hand-turned time, and what keeps it.

import { describe, expect, it } from 'vitest';
import { whenIdle } from '#cli/idle.ts';
import { LOCAL_IDLE_MS } from '#limits.ts';
import { handClock } from '../support/hand-clock.ts';

function watched() {
  const clock = handClock();
  const busy = { clients: 0, orders: 0 };
  let ended = 0;
  whenIdle(
    { localClients: () => busy.clients, trading: { workingOrders: () => busy.orders } },
    clock,
    () => ended++,
  );
  return { clock, busy, ended: () => ended };
}

describe('a local engine', () => {
  it('ends once nobody has needed it for a while, and once only', () => {
    const { clock, ended } = watched();
    clock.advance(LOCAL_IDLE_MS - 1);
    expect(ended()).toBe(0);
    clock.advance(10 * LOCAL_IDLE_MS);
    expect(ended()).toBe(1);
  });

  it.each(['clients', 'orders'] as const)(
    'stays while there are %s, and the same while again after them',
    (what) => {
      const { clock, busy, ended } = watched();
      busy[what] = 1;
      clock.advance(20 * LOCAL_IDLE_MS);
      expect(ended()).toBe(0);
      busy[what] = 0;
      clock.advance(LOCAL_IDLE_MS - 1_000);
      expect(ended()).toBe(0);
      clock.advance(2_000);
      expect(ended()).toBe(1);
    },
  );
});
