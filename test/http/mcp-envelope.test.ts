/** Whatever arrives at /mcp in whatever envelope: an answer in JSON or an event stream, never a fault of ours, nothing run twice. */
import { request } from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Doors, openDoors } from '../support/doors.ts';
import { bearer, send } from '../support/raw-http.ts';

const RUNS = 1_000;
const TEST_TIMEOUT_MS = 90_000;
const ANSWER_TIMEOUT_MS = 5_000;

let doors: Doors;
let key: string;
let session: string;
beforeAll(async () => {
  doors = await openDoors();
  ({ key } = doors.key());
  const answer = await send({
    port: doors.port,
    method: 'POST',
    path: '/mcp',
    headers: { ...bearer(key), accept: 'application/json, text/event-stream' },
    body: {
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'fuzz', version: '1' } },
    },
  });
  session = String(answer.headers['mcp-session-id']);
});
afterAll(() => doors.close());

interface Envelope {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}
interface Head {
  readonly status: number;
  readonly type: string;
  /** Read to its end unless it is a stream, which may have none. */
  readonly text: string;
}

function exchange({ method, path, headers, body }: Envelope): Promise<Head> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port: doors.port,
        agent: false,
        method,
        path,
        headers: { ...bearer(key), ...headers },
      },
      (response) => {
        const status = response.statusCode ?? 0;
        const type = String(response.headers['content-type'] ?? '').split(';', 1)[0] ?? '';
        let text = '';
        const done = (): void => resolve({ status, type, text });
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.once('end', done).once('error', done);
        if (type !== 'text/event-stream') return;
        sent.destroy();
        done();
      },
    );
    sent.setTimeout(ANSWER_TIMEOUT_MS, () => sent.destroy(new Error('no answer came')));
    sent.once('error', reject);
    sent.end(body);
  });
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
  accept: fc.constantFrom(
    'application/json, text/event-stream',
    'application/json',
    'text/event-stream',
    undefined,
  ),
  'mcp-protocol-version': maybe(fc.constantFrom(...VERSIONS)),
  'mcp-method': maybe(fc.constantFrom(...METHODS)),
  'mcp-name': maybe(fc.constantFrom(...NAMES, '=?base64?SGVsbG8=?=', '=?base64?!?=')),
  'mcp-session-id': fc.constantFrom('ours', 'none-of-ours', '', undefined),
});

const said = (given: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) => {
      if (value === undefined) return [];
      return [[name, name === 'mcp-session-id' && value === 'ours' ? session : value]];
    }),
  );

type Spoken = Readonly<Record<string, unknown>>;
interface Good {
  readonly headers: Readonly<Record<string, string>>;
  readonly message: Spoken;
}
const CALL = { name: 'get_word', arguments: { word: 'gate' } };
const JSON_TYPE = { 'content-type': 'application/json' };
const IN_SESSION = { ...JSON_TYPE, accept: 'application/json, text/event-stream', 'mcp-session-id': 'ours' };
const MODERN = {
  ...JSON_TYPE,
  accept: 'application/json, text/event-stream',
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
      { 'mcp-protocol-version': fc.constantFrom(...VERSIONS), 'mcp-name': fc.constantFrom(...NAMES) },
      { requiredKeys: [] },
    ),
    member: fc.constantFrom('id', 'method', 'params', 'result', 'none', 'list'),
    value: fc.oneof(fc.jsonValue(), params),
  })
  .map(({ good, headers: more, member, value }) => {
    const { message: spoken } = good;
    const sent =
      member === 'list' ? [spoken] : { ...spoken, ...(member === 'none' ? {} : { [member]: value }) };
    return { headers: { ...good.headers, ...more }, body: JSON.stringify(sent) };
  });

test(
  'every envelope is answered, in JSON or as a stream, and none is a fault of ours',
  async () => {
    const envelope = fc.record({
      method: fc.oneof(
        { weight: 8, arbitrary: fc.constant('POST') },
        { weight: 1, arbitrary: fc.constantFrom('GET', 'PUT', 'OPTIONS') },
      ),
      path: fc.constantFrom('/mcp', '/'),
      sent: fc.oneof(changed, fc.record({ headers, body })),
    });
    const statuses = new Set<number>();
    await fc.assert(
      fc.asyncProperty(envelope, async ({ method, path, sent }) => {
        const answer = await exchange({
          method,
          path: method === 'GET' ? '/mcp' : path,
          headers: said(sent.headers),
          body: method === 'POST' ? sent.body : undefined,
        });
        statuses.add(answer.status);
        expect(answer.status).toBeGreaterThanOrEqual(200);
        expect(answer.status).toBeLessThan(500);
        if (answer.type === 'text/event-stream' || answer.text === '') return;
        expect(answer.type).toMatch(/^application\/(problem\+)?json$/);
        expect(() => JSON.parse(answer.text) as unknown).not.toThrow();
      }),
      { numRuns: RUNS },
    );
    // A run that met one kind of answer alone has proven little.
    for (const status of [200, 202, 400, 404]) expect(statuses).toContain(status);
    expect(doors.logged.filter((line) => line.includes('"level":50'))).toEqual([]);
  },
  TEST_TIMEOUT_MS,
);
