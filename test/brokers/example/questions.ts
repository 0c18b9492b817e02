/** Questions about orders, fills and money: an answer is the exchange's word, and without one nothing is made up. */
import { z } from 'zod';
import type { BrokerBalance, BrokerExecution, BrokerOrder, BrokerPosition } from '#ports.ts';
import { type Api, readAs } from './api.ts';
import {
  accountPayload,
  executionOf,
  fillsPayload,
  instrumentOf,
  orderOf,
  orderPayload,
  positionsPayload,
  refusalPayload,
} from './wire.ts';

const FILLS_PER_PAGE = 50;
const PAGES_MAX = 100;

export async function orderByClientId(api: Api, clientId: string): Promise<BrokerOrder | undefined> {
  const call = { method: 'GET', path: '/order', query: { client_id: clientId } } as const;
  const answer = await api.send('read', call);
  if (answer.kind !== 'answer') throw new Error(answer.reason);
  const found = answer.status === 200 ? readAs(orderPayload, answer.text) : undefined;
  if (found !== undefined) return orderOf(found);
  // Only the exchange's own sentence is a denial: a proxy answers 404 too.
  if (answer.status === 404 && readAs(refusalPayload, answer.text) !== undefined) return undefined;
  throw new Error(`The exchange answered ${answer.status} without a word on the order.`);
}

export const openOrders = async (api: Api): Promise<readonly BrokerOrder[]> =>
  (await api.read(z.array(orderPayload), '/orders')).map(orderOf);

export async function historySince(api: Api, cursor: string | undefined) {
  const executions: BrokerExecution[] = [];
  if (cursor === undefined) {
    const { next } = await api.read(fillsPayload, '/fills', { limit: '0' });
    return { executions, settlements: [], cursor: next };
  }
  let after = cursor;
  for (let page = 0; page < PAGES_MAX; page++) {
    const { fills, next } = await api.read(fillsPayload, '/fills', { after, limit: String(FILLS_PER_PAGE) });
    executions.push(...fills.map(executionOf));
    after = next;
    if (fills.length < FILLS_PER_PAGE) break;
  }
  return { executions, settlements: [], cursor: after };
}

export const positions = async (api: Api): Promise<readonly BrokerPosition[]> =>
  (await api.read(positionsPayload, '/positions')).map(({ symbol, qty }) => ({
    instrument: instrumentOf(symbol),
    qty,
  }));

export async function balance(api: Api): Promise<BrokerBalance> {
  const { currency, cash, equity, free } = await api.read(accountPayload, '/account');
  return { currency, cash, equity, buyingPower: free };
}
