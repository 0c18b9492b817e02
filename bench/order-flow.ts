/** Fifty orders a second over REST, whatever the answers take, and how long each was on its way to the broker. */
import { fork } from 'node:child_process';
import { Agent, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { environmentWith } from '#config.ts';
import type { Bench } from './figure.ts';
import { settingsIn } from './gateway.ts';
import type { Asked, Told } from './order-line-gateway.ts';
import { stopper } from './process.ts';
import { nowMs, pause } from './time.ts';
import type { Trader } from './traders.ts';

const ORDERS_A_SECOND = 50;
const PLACED_MIN = 0.8;
const PASSING: ReadonlySet<string> = new Set(['throttled', 'price_collar']);
/** Inside the collar and far enough above the market not to fill: taken by the broker, ended by its next tick. */
const ABOVE = 1.02;

export interface Flow {
  /** From the arrival of a commit at the server until the broker is called with its order. */
  readonly atServerMs: readonly number[];
  /** The same from when the client sent it. */
  readonly fromClientMs: readonly number[];
  readonly loopDelayMaxMs: number;
  readonly openOrders: number;
}

export interface OrderGateway {
  readonly url: string;
  readonly pid: number;
  /** Orders for so many seconds; throws when one was refused. */
  flow(seconds: number): Promise<Flow>;
  stop(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body: { readonly quotes?: readonly { readonly bid: string }[] } & {
    readonly order?: { readonly order_id: string };
  } & { readonly reason?: string };
}

export async function startOrderGateway(
  bench: Pick<Bench, 'onEnd'>,
  folder: string,
  traders: readonly Trader[],
): Promise<OrderGateway> {
  const child = fork(fileURLToPath(new URL('order-line-gateway.ts', import.meta.url)), {
    env: environmentWith(settingsIn(folder, { LOG_LEVEL: 'warn' })),
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  const end = stopper(child);
  const stop = (): Promise<void> => {
    agent.destroy();
    return end();
  };
  bench.onEnd(stop);
  const told = (): Promise<Told> => {
    const { promise, resolve, reject } = Promise.withResolvers<Told>();
    const ended = (): void => reject(new Error('The gateway of the orders ended.'));
    const listen = (said: unknown): void => resolve(said as Told);
    child.once('message', listen).once('exit', ended);
    return promise.finally(() => child.off('message', listen).off('exit', ended));
  };
  const ask = (asked: Asked): Promise<Told> => {
    const answer = told();
    child.send(asked);
    return answer;
  };
  const { url = '' } = await told();

  let marks = 0;
  return {
    url,
    pid: child.pid ?? 0,
    stop,
    async flow(seconds) {
      await ask({ ask: 'reset' });
      const orders = new Map<string, Sent>();
      const call = caller(url, agent);
      const looks: Promise<void>[] = [];
      let limit = await limitNow(call, traders);
      const look = async (): Promise<void> => {
        limit = await limitNow(call, traders);
      };
      const begunMs = performance.now();
      for (let n = 0; n < seconds * ORDERS_A_SECOND; n++) {
        const waitMs = begunMs + (n * 1_000) / ORDERS_A_SECOND - performance.now();
        if (waitMs > 0) await pause(waitMs);
        if (n % ORDERS_A_SECOND === ORDERS_A_SECOND / 2) looks.push(look());
        const mark = `${process.pid}-${folder.slice(-6)}-${marks++}`;
        const key = traders[n % traders.length]?.key ?? '';
        const answer = call({ method: 'POST', path: '/orders', key, mark, body: orderOf(limit, mark) });
        // Looked at in the end: a refusal must not go unhandled until then.
        orders.set(mark, { sentMs: nowMs(), answer: answer.catch((cause: unknown) => String(cause)) });
      }
      await Promise.all(looks);
      const placed = await placedOf(orders);
      const report = await ask({ ask: 'report', orders: [...placed.values()].map(({ orderId }) => orderId) });
      return flowOf(placed, report);
    },
  };
}

interface Sent {
  readonly sentMs: number;
  /** Or what went wrong. */
  readonly answer: Promise<Answer | string>;
}
interface Placed {
  readonly sentMs: number;
  readonly orderId: string;
}

/** By mark. When this machine held everything up, what had to wait may come too fast for an account or at a price of before. */
async function placedOf(orders: ReadonlyMap<string, Sent>): Promise<ReadonlyMap<string, Placed>> {
  const placed = new Map<string, Placed>();
  for (const [mark, { sentMs, answer }] of orders) {
    const told = await answer;
    if (typeof told === 'string') throw new Error(`An order was not answered: ${told}`);
    const { order, reason } = told.body;
    if (order !== undefined) placed.set(mark, { sentMs, orderId: order.order_id });
    else if (!PASSING.has(reason ?? '')) throw new Error(`An order was answered ${told.status}, ${reason}.`);
  }
  if (placed.size < orders.size * PLACED_MIN)
    throw new Error(`Only ${placed.size} of ${orders.size} orders came in time.`);
  return placed;
}

const orderOf = (limit: string, mark: string) => ({
  symbol: 'SPX',
  side: 'sell',
  qty: '1',
  type: 'limit',
  limit_price: limit,
  time_in_force: 'ioc',
  dry_run: false,
  idempotency_key: mark,
});

interface Request {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly key: string;
  readonly mark?: string;
  readonly body?: object;
}
type Call = (asked: Request) => Promise<Answer>;

const caller =
  (url: string, agent: Agent): Call =>
  ({ method, path, key, mark, body }) => {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = {
      authorization: `Bearer ${key}`,
      ...(mark === undefined ? {} : { 'x-bench-order': mark }),
      ...(text === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
    };
    const sent = request(`${url}/api/v1${path}`, { agent, method, headers }, (response) => {
      let received = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        received += part;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(received) as Answer['body'] }),
      );
    });
    sent.on('error', reject).end(text);
    return promise;
  };

async function limitNow(call: Call, [first]: readonly Trader[]): Promise<string> {
  const answer = await call({ method: 'GET', path: '/quotes?symbols=SPX', key: first?.key ?? '' });
  const bid = Number(answer.body.quotes?.[0]?.bid);
  return (Math.floor(bid * ABOVE * 10) / 10).toFixed(2);
}

function flowOf(orders: ReadonlyMap<string, Placed>, report: Told): Flow {
  const arrivedMs = new Map(report.arrivedMs);
  const placedMs = new Map(report.placedMs);
  const atServerMs: number[] = [];
  const fromClientMs: number[] = [];
  for (const [mark, { sentMs, orderId }] of orders) {
    const [arrived, placed] = [arrivedMs.get(mark), placedMs.get(orderId)];
    if (arrived === undefined || placed === undefined)
      throw new Error(`Order ${orderId} never reached the broker.`);
    atServerMs.push(placed - arrived);
    fromClientMs.push(placed - sentMs);
  }
  return {
    atServerMs,
    fromClientMs,
    loopDelayMaxMs: report.loopDelayMaxMs ?? Number.NaN,
    openOrders: report.openOrders ?? 0,
  };
}
