/** The canonical line of the record: one spelling for one event, so that any other byte is an edit. */

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** Chains start here: the `prev` of line 1. */
export const GENESIS_HASH = '0'.repeat(64);

/** The fields of a line in their order; every one is always written, absent ones as null. */
export interface LineFields {
  readonly seq: number;
  /** ISO 8601 UTC. */
  readonly time: string;
  readonly kind: string;
  readonly agent: string | null;
  readonly credential: string | null;
  readonly door: string | null;
  readonly tool: string | null;
  readonly scope: string | null;
  readonly account: string | null;
  readonly outcome: string;
  readonly latency_ms: number | null;
  readonly args_hmac: string | null;
  readonly detail: Readonly<Record<string, JsonValue>> | null;
  readonly prev: string;
}

const FIELDS = [
  'seq',
  'time',
  'kind',
  'agent',
  'credential',
  'door',
  'tool',
  'scope',
  'account',
  'outcome',
  'latency_ms',
  'args_hmac',
  'detail',
  'prev',
] as const satisfies readonly (keyof LineFields)[];

const HASH_MARK = ',"hash":"';
/** `,"hash":"` + 64 digits + `"}` */
const TAIL_LENGTH = HASH_MARK.length + 64 + 2;

/** Names sorted by code unit, no white space, numbers as ECMAScript prints them (the way of RFC 8785). */
export function canonicalJson(value: JsonValue): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (isList(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const parts: string[] = [];
  for (const name of Object.keys(value).sort()) {
    const inner = value[name];
    if (inner !== undefined) parts.push(`${JSON.stringify(name)}:${canonicalJson(inner)}`);
  }
  return `{${parts.join(',')}}`;
}

function isList(value: object): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** Everything up to the hash: what the hash is taken over. */
export function lineBody(fields: LineFields): string {
  const { seq, time, kind, agent, credential, door, tool, scope, account, outcome } = fields;
  const { latency_ms, args_hmac, detail, prev } = fields;
  // Spelled in one go, in this order: field by field it takes three times as long.
  const plain = JSON.stringify({
    seq,
    time,
    kind,
    agent,
    credential,
    door,
    tool,
    scope,
    account,
    outcome,
    latency_ms,
    args_hmac,
  });
  return `${plain.slice(0, -1)},"detail":${canonicalJson(detail)},"prev":${JSON.stringify(prev)}`;
}

export function lineWithHash(body: string, hash: string): string {
  return `${body}${HASH_MARK}${hash}"}`;
}

/** Splits a line where its hash begins; undefined when it does not end in one. Lengths are bytes: the tail is ASCII. */
export function splitLine(line: Buffer): { readonly body: Buffer; readonly hash: string } | undefined {
  if (line.length <= TAIL_LENGTH) return undefined;
  const tail = line.toString('latin1', line.length - TAIL_LENGTH);
  const hash = tail.slice(HASH_MARK.length, -2);
  if (!tail.startsWith(HASH_MARK) || !tail.endsWith('"}') || !/^[0-9a-f]{64}$/.test(hash)) return undefined;
  return { body: line.subarray(0, line.length - TAIL_LENGTH), hash };
}

/** The fields of a body, or undefined when it is not the canonical spelling of an event. */
export function parseBody(body: string): LineFields | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(`${body}}`);
  } catch {
    return undefined;
  }
  // Spelled again and compared, a wrong type or an additional or reordered field can not come out equal.
  if (typeof parsed !== 'object' || parsed === null || !FIELDS.every((name) => name in parsed))
    return undefined;
  const fields = parsed as LineFields;
  if (
    !Number.isSafeInteger(fields.seq) ||
    typeof fields.time !== 'string' ||
    typeof fields.kind !== 'string'
  ) {
    return undefined;
  }
  return lineBody(fields) === body ? fields : undefined;
}
