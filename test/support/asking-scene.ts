/** A trading scene in which agents ask: their mandates want the owner's word for what adds risk. */
import { OWNER_CLI, type Principal } from '#domain/principal.ts';
import type { ApprovalCard, ApprovalDesk } from '#trading/approval-desk.ts';
import type { GatewayOptions } from './gateway.ts';
import { WIDE_MANDATE } from './trading-room.ts';
import { formOf, type TradingScene, tradingScene } from './trading-scene.ts';

export interface AskingScene extends TradingScene {
  readonly desk: ApprovalDesk;
  /** An agent that asks for everything. */
  asking(name: string, mandate?: Readonly<Record<string, unknown>>): Principal;
  /** An order of the agent's that waits, and its card. */
  asked(who: Principal, order?: Readonly<Record<string, unknown>>): Promise<ApprovalCard>;
  /** The card as it is now. */
  card(id: string): ApprovalCard;
}

/** Two SPX at the market: small, and filled at once when it is let through. */
const ORDER = { symbol: 'SPX', side: 'buy', qty: '2', type: 'market' };

export async function askingScene(options: GatewayOptions = {}): Promise<AskingScene> {
  const scene = await tradingScene(options);
  const { access, trading } = scene.gate.gateway;
  const desk = trading.owner.approvals;
  const card = (id: string): ApprovalCard => {
    const found = desk.card(id);
    if (!found.ok) throw new Error(found.error.detail);
    return found.value;
  };
  return {
    ...scene,
    desk,
    card,
    asking(name, mandate = {}) {
      const who = scene.agent(name);
      const set = access.mandates.set(name, { ...WIDE_MANDATE, approval: 'always', ...mandate }, OWNER_CLI);
      if (!set.ok) throw new Error(set.error.detail);
      return who;
    },
    async asked(who, order = {}) {
      const orderId = await scene.placed(who, { ...ORDER, ...order });
      const made = desk.ofOrder(orderId);
      if (made === undefined) throw new Error(`${orderId} does not ask`);
      return made;
    },
  };
}

/** The card's page as a browser without scripts has it. */
export function cardPages(scene: () => AskingScene) {
  const pathOf = ({ id }: ApprovalCard): string => `/admin/approvals/${id}`;
  const pageOf = (card: ApprovalCard) => scene().console.get(pathOf(card));
  /** What the form of the card as it stands sends. */
  const formFor = async (card: ApprovalCard, action: 'approve' | 'smaller') =>
    formOf((await pageOf(card)).html, `${pathOf(card)}/${action}`);
  const approve = async (card: ApprovalCard) =>
    scene().console.post(`${pathOf(card)}/approve`, await formFor(card, 'approve'));
  /** Whether a broker was ever to hear of it. */
  const wasSent = ({ order }: ApprovalCard): boolean =>
    scene()
      .gate.gateway.store.db.prepare(
        "SELECT count(*) FROM order_timeline WHERE order_id = ? AND status NOT IN ('received', 'pending_approval', 'refused', 'canceled')",
      )
      .pluck()
      .get(order.orderId) !== 0;
  return { pathOf, pageOf, formFor, approve, wasSent };
}
