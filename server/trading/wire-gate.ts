/** The gate as it stands when an order would leave: asked before it is handed over, and again right before its first byte. */
import { OWNER_HOLDER } from '#domain/principal.ts';
import { BROKER_CALL_TIMEOUT_MS } from '#limits.ts';
import { strictestOf, UNHALTED } from './facts.ts';
import type { Line } from './line.ts';
import type { StoredOrder } from './order-rows.ts';

/** What the gate looked like when the order was cleared; a later epoch means that it has fallen since. */
export interface Permit {
  readonly epoch: number;
  /** The owner's flatten goes out while everything else is halted. */
  readonly byOwner: boolean;
}

/** An order that was handed to its adapter and has not been answered; without it nothing of it may leave. */
export interface Sending extends Permit {
  readonly order: Pick<StoredOrder, 'agent' | 'account' | 'origin'>;
  /** Whether what is sent may add risk. */
  readonly adds: boolean;
  /** The connection it was handed to: another one of the same account is another one. */
  readonly connection: object;
  /** Monotonic: who waited for it has given up then. */
  readonly untilMs: number;
}

/** All that the gate has to know of it. */
export interface ToBeSent {
  readonly brokerClientId: string;
}

/** Its end is the caller's wish, so the order ends as canceled. */
export const TAKEN_BACK = 'it was canceled before it left';

/** Why nothing may leave now, or undefined. The process's own memory counts when the store can not be read. */
export function gateClosed(line: Line, permit: Permit): string | undefined {
  if (permit.byOwner) return undefined;
  if (line.memory.killed) return 'the kill switch was pressed';
  if (line.access.epoch() !== permit.epoch) return 'the authority it was given under has ended';
  if (line.access.gatewayState() === 'HALTED') return 'the kill switch was pressed';
  return undefined;
}

/** Hands an order over while the gate knows of it, and forgets it once it was answered or nobody waits any more. */
export async function whileSending<T>(
  line: Line,
  brokerClientId: string,
  sending: Omit<Sending, 'untilMs'>,
  send: () => Promise<T>,
): Promise<T> {
  const known: Sending = { ...sending, untilMs: line.clock.monotonicMs() + BROKER_CALL_TIMEOUT_MS };
  line.memory.sending.set(brokerClientId, known);
  try {
    return await send();
  } finally {
    if (line.memory.sending.get(brokerClientId) === known) line.memory.sending.delete(brokerClientId);
  }
}

/** A cancel may overtake an order that waits for its turn: what has not left by then never does. */
export const takeBackUnsent = (line: Line, { brokerClientId }: ToBeSent): void =>
  void line.memory.sending.delete(brokerClientId);

/** Why this order may not leave any more. Reads everything anew; what can not be read keeps it here. */
export function wireGate(line: Line, { brokerClientId }: ToBeSent): string | undefined {
  const sending = line.memory.sending.get(brokerClientId);
  if (sending === undefined) return TAKEN_BACK;
  if (line.clock.monotonicMs() >= sending.untilMs) return 'it waited for its turn for too long';
  if (line.adapters.get(sending.order.account) !== sending.connection)
    return 'the account was removed or connected anew';
  try {
    return gateClosed(line, sending) ?? stateForbids(line, sending);
  } catch {
    return 'the books can not be read';
  }
}

/** What passed its control when it was cleared may not pass it now. */
function stateForbids(line: Line, { order, adds, byOwner }: Sending): string | undefined {
  if (byOwner) return undefined;
  const agent = order.agent === OWNER_HOLDER ? UNHALTED : line.access.agents.stateOf(order.agent);
  const { state, reason } = strictestOf(line, order.account, agent);
  const passes = state === 'ACTIVE' || (!adds && (state === 'REDUCING' || order.origin !== 'agent'));
  if (passes) return undefined;
  const why = reason === null ? '' : ` (${reason})`;
  return state === 'HALTED' ? `trading was halted meanwhile${why}` : `only reducing is possible now${why}`;
}
