/** Requests to /mcp as nobody means them, and as clients mean them with one thing wrong; for property tests. */
import { request } from 'node:http';
import fc from 'fast-check';
import { bearer, send } from './raw-http.ts';

const ANSWER_TIMEOUT_MS = 15_000;
const BOTH = 'application/json, text/event-stream';
/** Stands for the session of whoever sends it. */
const OWN_SESSION = 'ours';

export interface Envelope {
  readonly method: string;
  readonly path: string;
  readonly sent: {
    readonly headers: Readonly<Record<string, string | undefined>>;
    readonly body: string;
  };
}

const METHODS = [
  'initialize',
  'ping',
  'tools/list',
  'tools/call',
  'resources/list',
  'resources/read',
  'prompts/list',
  'prompts/get',
  'completion/complete',
  'logging/setLevel',
  'server/discover',
  'subscriptions/listen',
  'notifications/initialized',
  'notifications/cancelled',
  'no/such',
  '',
];
const VERSIONS = ['2026-07-28', '2025-11-25', '2025-03-26', '2030-01-01', 'draft', ''];
const NAMES = ['get_word', 'get_refused', 'no_such_tool', '__proto__', 'toString', ''];

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 1 });
const meta = fc.record(
  {
    'io.modelcontextprotocol/protocolVersion': fc.oneof(fc.constantFrom(...VERSIONS), fc.jsonValue()),
    'io.modelcontextprotocol/clientCapabilities': fc.oneof(fc.constant({}), fc.jsonValue()),
    progressToken: fc.oneof(fc.string(), fc.integer(), fc.jsonValue()),
  },
  { requiredKeys: [] },
);
const params = fc.record(
  {
    name: fc.oneof(fc.constantFrom(...NAMES), fc.jsonValue()),
    arguments: fc.oneof(fc.constant({ word: 'gate' }), fc.jsonValue()),
    uri: fc.oneof(fc.string(), fc.jsonValue()),
    cursor: fc.oneof(fc.string(), fc.jsonValue()),
    protocolVersion: fc.constantFrom(...VERSIONS),
    requestId: fc.jsonValue(),
    _meta: fc.oneof(meta, fc.jsonValue()),
    requestState: fc.jsonValue(),
    inputResponses: fc.jsonValue(),
  },
  { requiredKeys: [] },
);
const message = fc.record(
  {
    jsonrpc: fc.oneof({ weight: 9, arbitrary: fc.constant('2.0') }, { weight: 1, arbitrary: fc.jsonValue() }),
    id: fc.oneof(fc.integer(), fc.string(), fc.jsonValue()),
    method: fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom(...METHODS) },
      { weight: 1, arbitrary: fc.jsonValue() },
    ),
    params: fc.oneof({ weight: 9, arbitrary: params }, { weight: 1, arbitrary: fc.jsonValue() }),
    result: fc.jsonValue(),
    error: fc.jsonValue(),
  },
  { requiredKeys: ['jsonrpc', 'method'] },
);
const body = fc.oneof(
  { weight: 8, arbitrary: message.map((sent) => JSON.stringify(sent)) },
  { weight: 1, arbitrary: fc.array(message, { maxLength: 3 }).map((sent) => JSON.stringify(sent)) },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.string() },
);
const headers = fc.record({
  'content-type': fc.constantFrom(
    'application/json',
    'application/json; charset=utf-8',
    'text/plain',
    undefined,
  ),
  accept: fc.constantFrom(BOTH, 'application/json', 'text/event-stream', undefined),
  'mcp-protocol-version': maybe(fc.constantFrom(...VERSIONS)),
  'mcp-method': maybe(fc.constantFrom(...METHODS)),
  'mcp-name': maybe(fc.constantFrom(...NAMES, '=?base64?SGVsbG8=?=', '=?base64?!?=')),
  'mcp-session-id': fc.constantFrom(OWN_SESSION, 'none-of-ours', '', undefined),
});

type Spoken = Readonly<Record<string, unknown>>;
interface Good {
  readonly headers: Readonly<Record<string, string>>;
  readonly message: Spoken;
}
const CALL = { name: 'get_word', arguments: { word: 'gate' } };
const JSON_TYPE = { 'content-type': 'application/json' };
const IN_SESSION = { ...JSON_TYPE, accept: BOTH, 'mcp-session-id': OWN_SESSION };
const MODERN = {
  ...JSON_TYPE,
  accept: BOTH,
  'mcp-protocol-version': '2026-07-28',
};
const MODERN_META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};
const asking = (method: string, given: Spoken = {}): Spoken => ({
  jsonrpc: '2.0',
  id: 1,
  method,
  params: given,
});
const noting = (method: string): Spoken => ({ jsonrpc: '2.0', method });

/** As clients send them, so that what is changed in one is the only thing that is wrong with it. */
const GOOD: readonly Good[] = [
  { headers: JSON_TYPE, message: asking('tools/call', CALL) },
  { headers: JSON_TYPE, message: asking('tools/list') },
  { headers: JSON_TYPE, message: noting('notifications/initialized') },
  { headers: IN_SESSION, message: asking('tools/call', CALL) },
  { headers: IN_SESSION, message: asking('tools/list') },
  { headers: IN_SESSION, message: asking('ping') },
  { headers: IN_SESSION, message: noting('notifications/initialized') },
  {
    headers: { ...MODERN, 'mcp-method': 'tools/call', 'mcp-name': 'get_word' },
    message: asking('tools/call', { ...CALL, _meta: MODERN_META }),
  },
  {
    headers: { ...MODERN, 'mcp-method': 'tools/list' },
    message: asking('tools/list', { _meta: MODERN_META }),
  },
  {
    headers: { ...MODERN, 'mcp-method': 'server/discover' },
    message: asking('server/discover', { _meta: MODERN_META }),
  },
];
const changed = fc
  .record({
    good: fc.constantFrom(...GOOD),
    headers: fc.record(
      {
        'mcp-protocol-version': fc.constantFrom(...VERSIONS),
        'mcp-name': fc.constantFrom(...NAMES),
        'mcp-session-id': fc.constantFrom(OWN_SESSION, 'none-of-ours'),
      },
      { requiredKeys: [] },
    ),
    member: fc.constantFrom('id', 'method', 'params', 'result', 'none', 'none', 'list'),
    value: fc.oneof(fc.jsonValue(), params),
  })
  .map(({ good, headers: more, member, value }) => {
    const { message: spoken } = good;
    const sent =
      member === 'list' ? [spoken] : { ...spoken, ...(member === 'none' ? {} : { [member]: value }) };
    return { headers: { ...good.headers, ...more }, body: JSON.stringify(sent) };
  });

export const envelopes: fc.Arbitrary<Envelope> = fc.record({
  method: fc.oneof(
    { weight: 8, arbitrary: fc.constant('POST') },
    { weight: 1, arbitrary: fc.constantFrom('GET', 'PUT', 'OPTIONS') },
  ),
  path: fc.constantFrom('/mcp', '/'),
  sent: fc.oneof(changed, fc.record({ headers, body })),
});

/** Mostly the first: what is wrong with everything shows nothing. */
const mostly = <T>(usual: fc.Arbitrary<T>, ...other: fc.Arbitrary<T>[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 4 * other.length, arbitrary: usual }, ...other);

/** Calls in each way a call may take, as odd as a client may rightly make them, and some that no longer are. */
export const calls: fc.Arbitrary<Envelope> = fc
  .record({
    way: fc.constantFrom('plain', 'session', 'modern'),
    name: mostly(fc.constant('get_word'), fc.constantFrom(...NAMES)),
    args: mostly<unknown>(
      fc.record({
        word: fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' }),
        times: fc.integer({ min: 1, max: 9 }),
      }),
      fc.record(
        { word: fc.jsonValue(), loud: fc.constantFrom(true, 'true', 1), tmies: fc.jsonValue() },
        { requiredKeys: [] },
      ),
      fc.record({ reason: fc.constantFrom('max_order_value', 'trading_halted', 'rate_limited') }),
      maybe(fc.jsonValue()),
    ),
    id: mostly<unknown>(fc.oneof(fc.integer(), fc.string({ unit: 'grapheme' })), fc.double()),
    meta: mostly<object>(fc.constant({}), meta),
    more: mostly<object>(fc.constant({}), fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 2 })),
    header: mostly<object>(fc.constant({}), headers),
  })
  .map(({ way, name, args, id, meta: given, more, header }) => {
    const _meta = way === 'modern' ? { ...MODERN_META, ...given } : given;
    const params = { ...more, name, arguments: args, ...(Object.keys(_meta).length > 0 ? { _meta } : {}) };
    const own = {
      plain: JSON_TYPE,
      session: IN_SESSION,
      modern: { ...MODERN, 'mcp-method': 'tools/call', 'mcp-name': name },
    }[way];
    const body = JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params });
    return { method: 'POST', path: '/mcp', sent: { headers: { ...own, ...header }, body } };
  });

export interface Sender {
  readonly port: number;
  readonly key: string;
  readonly session: string;
}

/** With a session of its own. */
export async function openSender(port: number, key: string): Promise<Sender> {
  const answer = await send({
    port,
    method: 'POST',
    path: '/mcp',
    headers: { ...bearer(key), accept: BOTH },
    body: asking('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'sender', version: '1' },
    }),
  });
  return { port, key, session: String(answer.headers['mcp-session-id']) };
}

export interface Head {
  readonly status: number;
  readonly type: string;
  /** The body; of a stream its first message. */
  readonly text: string;
}

function headersOf({ key, session }: Sender, envelope: Envelope): Record<string, string> {
  const said: Record<string, string> = { ...bearer(key) };
  for (const [name, value] of Object.entries(envelope.sent.headers))
    if (value !== undefined) said[name] = value === OWN_SESSION ? session : value;
  return said;
}

export function exchange(sender: Sender, envelope: Envelope): Promise<Head> {
  const { method } = envelope;
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port: sender.port,
        agent: false,
        method,
        // GET / is the console's.
        path: method === 'GET' ? '/mcp' : envelope.path,
        headers: headersOf(sender, envelope),
      },
      (response) => {
        const status = response.statusCode ?? 0;
        const type = String(response.headers['content-type'] ?? '').split(';', 1)[0] ?? '';
        const isStream = type === 'text/event-stream';
        let text = '';
        const done = (): void => resolve({ status, type, text });
        const hangUp = (): void => {
          done();
          sent.destroy();
        };
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
          const first = isStream ? /^data: (\{.*)\n/m.exec(text)?.[1] : undefined;
          if (first === undefined) return;
          text = first;
          hangUp();
        });
        response.once('end', done).once('error', done);
        // A stream of events to come may stay silent for ever.
        if (isStream && method === 'GET') hangUp();
      },
    );
    sent.setTimeout(ANSWER_TIMEOUT_MS, () => sent.destroy(new Error('no answer came')));
    sent.once('error', reject);
    sent.end(method === 'POST' ? envelope.sent.body : undefined);
  });
}
