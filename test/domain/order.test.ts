/** The table of legal transitions: what an order may become, and what it never may. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  FINAL_STATES,
  isFinal,
  mayBecome,
  OPEN_STATES,
  ORDER_STATES,
  type OrderStatus,
  opposite,
  SIDES,
  TRANSITIONS,
} from '#domain/order.ts';

const status = fc.constantFrom(...ORDER_STATES);
/** What has left the gateway, or may have. */
const SENT: readonly OrderStatus[] = [
  'submitting',
  'open',
  'partially_filled',
  'pending_replace',
  'pending_cancel',
  'unknown',
];
function reachable(from: OrderStatus): ReadonlySet<OrderStatus> {
  const found = new Set<OrderStatus>();
  const waiting: OrderStatus[] = [from];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    for (const to of TRANSITIONS[next]) {
      if (found.has(to)) continue;
      found.add(to);
      waiting.push(to);
    }
  }
  return found;
}

describe('the table', () => {
  test('has a row for every state, and names no other', () => {
    expect(Object.keys(TRANSITIONS).toSorted()).toEqual([...ORDER_STATES].toSorted());
    for (const state of ORDER_STATES) {
      expect(new Set(TRANSITIONS[state]).size).toBe(TRANSITIONS[state].length);
      for (const to of TRANSITIONS[state]) expect(ORDER_STATES).toContain(to);
    }
  });

  test('lets nothing leave a final state', () => {
    fc.assert(
      fc.property(fc.constantFrom(...FINAL_STATES), status, (from, to) => {
        expect(mayBecome(from, to)).toBe(false);
      }),
    );
  });

  test('lets every open state come to an end', () => {
    for (const state of OPEN_STATES) {
      expect([...reachable(state)].some(isFinal), state).toBe(true);
    }
  });

  test('never sends twice: what may have been sent does not go back to what is yet to be sent', () => {
    for (const state of SENT) {
      const later = reachable(state);
      for (const unsent of ['received', 'pending_approval', 'submitting'] as const) {
        expect(later.has(unsent), `${state} -> ${unsent}`).toBe(false);
      }
    }
  });

  test('lets an order be sent only from where it was cleared', () => {
    const before = ORDER_STATES.filter((state) => mayBecome(state, 'submitting'));
    expect(before).toEqual(['received', 'pending_approval']);
    expect(ORDER_STATES.filter((state) => mayBecome(state, 'received'))).toEqual([]);
  });

  test('does not let the gateway refuse what a broker has acknowledged', () => {
    const before = ORDER_STATES.filter((state) => mayBecome(state, 'refused'));
    expect(before).toEqual(['received', 'pending_approval', 'submitting']);
  });

  test('lets everything that was sent become unknown, but for what is unknown or being canceled by nobody', () => {
    for (const state of SENT) expect(mayBecome(state, 'unknown'), state).toBe(state !== 'unknown');
    for (const state of ['received', 'pending_approval'] as const) {
      expect(mayBecome(state, 'unknown')).toBe(false);
    }
  });

  test('lets the unknown become anything that a broker can say of an order', () => {
    const told: OrderStatus[] = ['open', 'partially_filled', 'filled', 'canceled', 'rejected', 'expired'];
    for (const to of told) expect(mayBecome('unknown', to), to).toBe(true);
  });

  test('never takes a fill back: a part-filled order is not merely open again without a replace or cancel between', () => {
    expect(mayBecome('partially_filled', 'open')).toBe(false);
  });
});

describe('a state', () => {
  test('is open or final, never both', () => {
    for (const state of ORDER_STATES) {
      expect(isFinal(state)).toBe(!(OPEN_STATES as readonly OrderStatus[]).includes(state));
    }
    expect(new Set(ORDER_STATES).size).toBe(OPEN_STATES.length + FINAL_STATES.length);
  });
});

test('the opposite of a side is the other one', () => {
  for (const side of SIDES) {
    expect(opposite(side)).not.toBe(side);
    expect(opposite(opposite(side))).toBe(side);
  }
});
