/** The example exchange on 127.0.0.1: its requests, its stream, and what can become of the next request of a kind. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { VenueRequest, WireFault } from '../conformance/bench.ts';
import { type Answer, openBook, refused, type Terms } from './sim-book.ts';
import { serveStream } from './sim-stream.ts';

export const KEY = 'key-of-the-example-account';
export const MARKET = { symbol: 'ABC-USD', tick: '0.01', lot: '0.001' };
const MINUTE_MS = 60_000;

/** Figures are numbers of JSON there, with every digit: JavaScript's own would lose some. */
const FIGURES = new Set(
  'qty limit filled price fee cash equity free bid ask bid_size ask_size open high low close volume'.split(
    ' ',
  ),
);
const { rawJSON } = JSON as unknown as { readonly rawJSON: (figure: string) => unknown };
const write = (body: unknown): string =>
  JSON.stringify(body, (name, of: unknown) =>
    FIGURES.has(name) && typeof of === 'string' ? rawJSON(of) : of,
  );

const KINDS: Readonly<Record<string, VenueRequest>> = {
  'POST /orders': 'place',
  'DELETE /order': 'cancel',
  'GET /quotes': 'price',
  'GET /bars': 'price',
  'GET /markets': 'price',
};
const kindOf = (request: string): VenueRequest => KINDS[request] ?? 'read';

export type Fault = WireFault | { readonly carriedOut: false; readonly refusal: string };

export async function openSimulator(nowMs: () => number) {
  const asked: string[] = [];
  const faults: { readonly kind: VenueRequest; readonly fault: Fault }[] = [];
  let skewMs = 0;
  let touch = { bid: '190', ask: '190.1' };
  const venueMs = (): number => nowMs() + skewMs;
  const barTimesMs = [5, 4, 3].map((ago) => (Math.floor(nowMs() / MINUTE_MS) - ago) * MINUTE_MS);

  const server = createServer((request, response) => void handle(request, response));
  const stream = serveStream(server, KEY, write);
  const book = openBook(venueMs, (order, fill) => stream.tell({ type: 'order', order, fill }));
  const quote = () => ({ symbol: MARKET.symbol, ...touch, bid_size: '5', ask_size: '4', time: venueMs() });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const url = new URL(request.url ?? '/', 'http://venue');
    const what = `${request.method} ${url.pathname}`;
    asked.push(what);
    const at = faults.findIndex(({ kind }) => kind === kindOf(what));
    const fault = at === -1 ? undefined : faults.splice(at, 1)[0]?.fault;
    const isDone = fault?.carriedOut ?? true;
    const isKnown = request.headers['x-key'] === KEY;
    const answer = !isKnown
      ? refused(401, `The key ${String(request.headers['x-key'])} is not known.`)
      : isDone
        ? answered(what, url.searchParams, Buffer.concat(chunks).toString())
        : { status: 200, body: {} };
    if (fault === undefined) response.writeHead(answer.status).end(write(answer.body));
    else goWrong(fault, answer, response);
  }

  function answered(what: string, query: URLSearchParams, body: string): Answer {
    const found = (answer: unknown): Answer => ({ status: 200, body: answer });
    const id = query.get('id') ?? query.get('client_id') ?? '';
    switch (what) {
      case 'POST /orders':
        return book.place(JSON.parse(body) as Terms);
      case 'DELETE /order':
        return book.cancel(id);
      case 'GET /order':
        return book.find(id) ? found(book.find(id)) : refused(404, 'There is no such order.');
      case 'GET /orders':
        return found(book.orders.filter(({ status }) => status === 'open'));
      case 'GET /fills':
        return found(book.fillsAfter(query.get('after'), Number(query.get('limit'))));
      case 'GET /positions':
        return found(book.positions());
      case 'GET /account':
        return found(book.account());
      case 'GET /markets':
        return found([MARKET]);
      case 'GET /quotes':
        return found([quote()]);
      case 'GET /bars':
        return found(barsOf(barTimesMs, query));
      default:
        return refused(404, 'There is no such page.');
    }
  }

  await new Promise<void>((up) => server.listen(0, '127.0.0.1', up));
  const { port } = server.address() as AddressInfo;
  const down = async (): Promise<void> => {
    const closed = new Promise((done) => server.close(done));
    stream.drop();
    server.closeAllConnections();
    await closed;
  };
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    count: (kind: VenueRequest) => asked.filter((one) => kindOf(one) === kind).length,
    book,
    stream,
    barTimesMs,
    next: (kind: VenueRequest, fault: Fault) => void faults.push({ kind, fault }),
    quote(bid: string, ask: string) {
      touch = { bid, ask };
      stream.tellPrices(MARKET.symbol, [quote()]);
    },
    skewClock: (ms: number) => void (skewMs = ms),
    async listen(on: boolean) {
      if (on === server.listening) return;
      if (on) return new Promise<void>((up) => server.listen(port, '127.0.0.1', up));
      await down();
      // Whoever was connected has to have heard of it.
      for (let turns = 0; turns < 20; turns++) await new Promise((turn) => setImmediate(turn));
    },
    close: down,
  };
}
export type Simulator = Awaited<ReturnType<typeof openSimulator>>;

function goWrong(fault: Fault, { status, body }: Answer, response: ServerResponse): void {
  if ('refusal' in fault) return void response.writeHead(422).end(write({ message: fault.refusal }));
  const said = write(body);
  const { answer } = fault;
  switch (answer.kind) {
    case 'status': {
      const head = answer.retryAfter === undefined ? {} : { 'retry-after': answer.retryAfter };
      return void response.writeHead(answer.status, head).end('{"message":"simulated"}');
    }
    case 'silent':
      return;
    case 'reset':
      return void response.socket?.resetAndDestroy();
    case 'cut':
      response.writeHead(status, { 'content-length': String(said.length) });
      return void response.write(said.slice(0, said.length / 2), () => response.socket?.destroy());
    case 'malformed':
      return void response.writeHead(status).end('{"id": "61e6');
    case 'unknown-value':
      return void response.writeHead(status).end(said.replaceAll(/"status":"\w+"/g, '"status":"quantum"'));
  }
}

/** The first ones from `from` on, or without it the latest; `to` is exclusive. */
function barsOf(timesMs: readonly number[], query: URLSearchParams): readonly unknown[] {
  const [from, limit] = [query.get('from'), Number(query.get('limit'))];
  const within = timesMs.filter((ms) => ms >= Number(from ?? 0) && ms < Number(query.get('to')));
  const some = from === null ? within.slice(-limit) : within.slice(0, limit);
  return some.map((time) => ({ time, open: '1', high: '2', low: '1', close: '1.5', volume: '100' }));
}
