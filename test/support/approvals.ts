/** Orders that wait for the owner, on the order line of a test. */
import { OWNER_CONSOLE, type Principal } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import type { Result } from '#domain/result.ts';
import type { ApprovalCard, ApprovalEdit, ApprovalOutcome } from '#trading/approval-desk.ts';
import type { OrderRecord } from '#trading/views.ts';
import { type ScriptedBroker, scriptedBroker } from './scripted-broker.ts';
import { draft, flatTape, place, type RoomOptions, type TradingRoom, tradingRoom } from './trading-room.ts';

export interface Queue {
  readonly room: TradingRoom;
  readonly broker: ScriptedBroker;
  readonly claude: Principal;
}

/** An agent whose every order needs the owner, a market that stands at 100, and a broker that counts what it is sent. */
export async function queueRoom(
  mandate: Readonly<Record<string, unknown>> = {},
  options: RoomOptions = {},
): Promise<Queue> {
  const broker = scriptedBroker();
  const room = await tradingRoom({ csv: flatTape('100', 600), adapter: () => broker, ...options });
  return { room, broker, claude: room.agent('claude', { approval: 'always', ...mandate }) };
}

type Fields = Parameters<typeof draft>[0];

/** An order that waits, with its card. */
export async function ask(
  room: TradingRoom,
  who: Principal,
  fields: Partial<Fields> & { readonly note?: string } = {},
): Promise<{ readonly order: OrderRecord; readonly card: ApprovalCard }> {
  const { note, ...rest } = fields;
  const asked = { ...draft({ side: 'buy', qty: '2', limit: '99', ...rest }), ...(note ? { note } : {}) };
  const order = await place(room, who, asked);
  if (order.status !== 'pending_approval') throw new Error(`it is ${order.status}, and does not wait`);
  const card = room.trading.owner.approvals.ofOrder(order.orderId);
  if (card === undefined) throw new Error('it has no card');
  return { order, card };
}

export const approveCard = (
  room: TradingRoom,
  { id, digest }: Pick<ApprovalCard, 'id' | 'digest'>,
  edit?: ApprovalEdit,
): Promise<Result<ApprovalOutcome, Refusal>> =>
  room.trading.owner.approvals.approve({ id, digest, by: OWNER_CONSOLE, ...(edit ? { edit } : {}) });

export const rejectCard = (
  room: TradingRoom,
  { id }: Pick<ApprovalCard, 'id'>,
  reason = 'not today',
): Result<OrderRecord, Refusal> => room.trading.owner.approvals.reject({ id, reason, by: OWNER_CONSOLE });

/** The card as it is now. */
export function cardNow(room: TradingRoom, { id }: Pick<ApprovalCard, 'id'>): ApprovalCard {
  const card = room.trading.owner.approvals.card(id);
  if (!card.ok) throw new Error(card.error.detail);
  return card.value;
}

/** Kinds of the record about approvals, in their order. */
export const approvalEvents = (room: TradingRoom): readonly string[] =>
  room
    .events()
    .map(({ kind }) => kind)
    .filter((kind) => kind.startsWith('approval.'));

/** The broker's next answers about its account come when they are let go: whatever happens before that happens in mid-line. */
export function holdBalance(broker: ScriptedBroker): () => void {
  const answer = broker.balance.bind(broker);
  let letGo: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  broker.balance = () => gate.then(answer);
  return () => {
    broker.balance = answer;
    letGo();
  };
}
