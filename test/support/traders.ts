/** Agents of a whole gateway that may trade SPX on paper, and orders of theirs that rest far from the market or fill at once. */
import { OWNER_CLI, type Principal } from '#domain/principal.ts';
import type { TestGateway } from './gateway.ts';

const MANDATE = {
  accounts: ['paper'],
  symbols: ['SPX'],
  sides: ['buy', 'sell'],
  may_reduce: 'own',
  order_types: ['market', 'limit'],
  allow_short: false,
  max_order_qty: '5',
  max_order_value: '100000',
  max_daily_value: '1000000',
  max_daily_orders: 500,
  max_daily_loss: '50000',
  max_open_orders: 100,
  max_gross_exposure: '1000000',
  trading_hours: 'any',
  expires_at: null,
  commit: 'one_step',
  approval: 'never',
};

export interface Trader {
  readonly name: string;
  /** Of the key. */
  readonly id: string;
  readonly key: string;
  readonly principal: Principal;
}

/** Gives an agent a key of every scope and a wide mandate. */
export function trader(gate: TestGateway, name: string): Trader {
  const { id, key } = gate.key(name);
  setMandate(gate, name);
  const principal = gate.gateway.access.keys.authenticate(key, { door: 'http', address: '127.0.0.1' });
  if (!principal.ok) throw new Error(principal.error.detail);
  return { name, id, key, principal: principal.value };
}

export function setMandate(gate: Pick<TestGateway, 'gateway'>, agent: string, changes: object = {}): void {
  const set = gate.gateway.access.mandates.set(agent, { ...MANDATE, ...changes }, OWNER_CLI);
  if (!set.ok) throw new Error(set.error.detail);
}

let placed = 0;
async function place(gate: TestGateway, who: Trader, terms: object): Promise<string> {
  const answer = await gate.call(
    'place_order',
    { symbol: 'SPX', side: 'buy', qty: '1', ...terms, dry_run: false, idempotency_key: `order-${placed++}` },
    who.principal,
  );
  if (!answer?.ok) throw new Error(JSON.stringify(answer));
  return String(Reflect.get(answer.output['order'] as object, 'order_id'));
}

/** A buy a little below the bid: it stays open while the test looks. */
export async function restingOrder(gate: TestGateway, who: Trader): Promise<string> {
  const quotes = await gate.call('get_quotes', { symbols: ['SPX'] });
  if (!quotes?.ok) throw new Error('no quote');
  const [quote] = quotes.output['quotes'] as readonly { readonly bid: string }[];
  const limit_price = String(Math.floor(Number(quote?.bid) * 0.96));
  return place(gate, who, { type: 'limit', limit_price, time_in_force: 'gtc' });
}

export const marketOrder = (gate: TestGateway, who: Trader): Promise<string> =>
  place(gate, who, { type: 'market', time_in_force: 'day' });
