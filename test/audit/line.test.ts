/** One spelling for one event: whatever else a line could say, it is not ours. */
import { expect, test } from 'vitest';
import { lineBody, parseBody } from '#audit/line.ts';

const FIELDS = {
  seq: 7,
  time: '2026-07-28T00:00:00.000Z',
  kind: 'tool.call',
  agent: 'claude',
  credential: null,
  door: 'http',
  tool: 'get_quotes',
  scope: 'read:market',
  account: null,
  outcome: 'ok',
  latency_ms: 0.5,
  args_hmac: null,
  detail: { b: '"\\\u2028', a: [1, null, { d: true, c: false }] },
  prev: '0'.repeat(64),
};

test('a body is spelled in its order, its detail by name, and read back as it was', () => {
  const body = lineBody(FIELDS);
  expect(body).toBe(
    `{"seq":7,"time":"2026-07-28T00:00:00.000Z","kind":"tool.call","agent":"claude","credential":null,"door":"http"` +
      `,"tool":"get_quotes","scope":"read:market","account":null,"outcome":"ok","latency_ms":0.5,"args_hmac":null` +
      `,"detail":{"a":[1,null,{"c":false,"d":true}],"b":"\\"\\\\\u2028"},"prev":"${'0'.repeat(64)}"`,
  );
  expect(parseBody(body)).toEqual(FIELDS);
});

const bodyOf = (fields: object): string => JSON.stringify(fields).slice(0, -1);

test.each(Object.keys(FIELDS))('a body without %s, or with it at another place, is none', (name) => {
  const canonical = JSON.parse(`${lineBody(FIELDS)}}`) as Record<string, unknown>;
  expect(parseBody(bodyOf(canonical))).toBeDefined();
  const { [name]: taken, ...others } = canonical;
  expect(parseBody(bodyOf(others))).toBeUndefined();
  const moved = name === 'prev' ? { prev: taken, ...others } : { ...others, [name]: taken };
  expect(parseBody(bodyOf(moved))).toBeUndefined();
  expect(parseBody(bodyOf({ ...canonical, more: 1 }))).toBeUndefined();
});
