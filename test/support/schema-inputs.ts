// Inputs made from a tool's own published schema: right ones, nearly right ones, and what nobody meant.
import fc from 'fast-check';
import type { InputSchema, PropertySchema } from '#tools/json-schema.ts';

type Any = fc.Arbitrary<unknown>;

/** Stands for the id of a working order; the caller of the tool puts one in its place. */
export const ORDER_ID = '{order}';
/** Stands for the action_token of the last preview. */
export const TOKEN = '{token}';

/** What the fields are about, where their pattern alone would never hit it. */
const PLAUSIBLE: Readonly<Record<string, readonly unknown[]>> = {
  symbol: ['SPX', 'SPX', 'SPX', 'AAPL', 'BTC/USD', 'spx', 'TSLA'],
  symbols: [['SPX'], ['SPX', 'AAPL'], ['spx'], []],
  account: ['paper', 'PAPER', 'second'],
  order_id: [ORDER_ID, ORDER_ID, 'ord_1'],
  action_token: [TOKEN, 'act_x'],
  qty: ['1', '2', 3, '0.5', '1000', '1000000'],
  notional: ['5000', '100', '12345.67'],
  limit_price: ['4990', '5000', '5010', '4990.005', '1', 4980],
  stop_price: ['4950', '5050', '5000'],
  trail_percent: ['1', '99.9', '100'],
  trail_price: ['50', '5000'],
  take_profit: ['5100', '4900'],
  stop_loss: ['4900', '5100'],
  start: ['2024-01-08', '2024-01-08T14:31:00Z', '2300-01-01', '0001-01-01'],
  end: ['2024-01-09', '2024-01-08T14:32:00Z', '9999-12-31'],
  since: ['2026-01-05T12:00:00Z', '1969-12-31'],
  query: ['', 'SPX', 'bit'],
  accounts: [['paper'], [], ['second']],
  sides: [['buy'], ['sell', 'buy'], ['BUY']],
  order_types: [['market', 'limit'], ['limit'], ['iceberg']],
  asset_classes: [['index'], ['equity', 'crypto'], []],
  max_order_qty: ['1000', '10', 5, '-1', '1e3'],
  max_order_value: ['50000', '49999.99', '60000'],
  max_daily_loss: ['100', '50000', '0', 100.5],
  max_daily_orders: [10, 10_000, 0, '5'],
  trading_hours: ['any', 'session', { timezone: 'UTC', days: ['mon'], from: '09:00', to: '17:00' }],
  expires_at: [null, '2030-01-01T00:00:00Z', 'friday'],
  approval: ['never', 'always', { above: '100' }, { above: 100 }],
  cursor: ['c2VxOjE', 'YmFyczoxOmZyb206MA', 'YmFyczoxOmJlZm9yZTo5OTk5OTk5OTk5OTk5OTk'],
};

const HOSTILE: readonly string[] = [
  '__proto__',
  'constructor',
  "'; DROP TABLE orders; --",
  '../../etc/passwd',
  '%00',
  '${7*7}{{7*7}}<script>',
  '\u0000',
  '\u001b[2J\u202e',
  '\ud800',
  '１２３',
  '-0',
  '1e400',
  'NaN',
  'a'.repeat(10_000),
  '9'.repeat(400),
  '0.' + '1'.repeat(400),
];

const hostile: Any = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
);

/** JSON of any kind, down to depths that no field has. */
const anything: Any = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.double().filter(Number.isFinite),
  fc.maxSafeInteger(),
  fc.integer({ min: 1, max: 60 }).map(nested),
);

function nested(depth: number): unknown {
  let value: unknown = 'deep';
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { symbol: value };
  return value;
}

/** The same value as somebody in a hurry writes it. */
const mutated = (right: Any): Any =>
  fc.tuple(right, fc.nat(7)).map(([value, way]): unknown => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    const ways: readonly unknown[] = [
      text.toUpperCase(),
      ` ${text} `,
      `${text}\u200b`,
      [value],
      text.slice(0, -1),
      Number(text),
      JSON.stringify(value),
      `${text}${text}`,
    ];
    return ways[way];
  });

/** Values that fit, as far as a property's own schema says what fits. */
function fitting(name: string, property: PropertySchema): Any {
  const known = PLAUSIBLE[name];
  if (known !== undefined) return fc.constantFrom(...known);
  if (property.enum !== undefined) return fc.constantFrom(...property.enum);
  const { type, pattern, minimum = -5, maximum = 1_000 } = property;
  if (type === 'boolean') return fc.boolean();
  if (type === 'integer') return fc.integer({ min: minimum, max: maximum });
  if (type === 'array') return fc.array(fc.constantFrom('SPX', 'AAPL'), { maxLength: 60 });
  return typeof pattern === 'string'
    ? fc.stringMatching(new RegExp(pattern), { size: 'small' })
    : fc.string({ maxLength: 40 });
}

function boundary(property: PropertySchema): Any {
  const { minimum, maximum } = property;
  const around = [minimum, maximum].flatMap((bound) =>
    typeof bound === 'number' ? [bound - 1, bound, bound + 1] : [],
  );
  return fc.constantFrom<unknown>(...around, 0, -1, '', '0', '0.000000000000000001', '9'.repeat(24), null);
}

/** One value for a property: mostly right, so that the calls get far. */
function valueOf(name: string, property: PropertySchema): Any {
  const right = fitting(name, property);
  return fc.oneof(
    { weight: 16, arbitrary: right },
    { weight: 2, arbitrary: mutated(right) },
    { weight: 2, arbitrary: boundary(property) },
    { weight: 1, arbitrary: hostile },
    { weight: 1, arbitrary: anything },
  );
}

const strangerFields = fc.dictionary(
  fc.oneof(
    fc.constantFrom('quantity', 'price', 'confirm', '__proto__', 'constructor', 'arguments', 'toString', ''),
    fc.string({ unit: 'binary', maxLength: 20 }),
  ),
  anything,
  { maxKeys: 3 },
);

/** Each field by itself. */
function fieldsOf(schema: InputSchema): fc.Arbitrary<Record<string, unknown>> {
  const entries = Object.entries(schema.properties).map(([name, property]) => {
    const needed = schema.required?.includes(name) === true;
    // Of many optional fields few are given at once, or no order would ever add up.
    const given = fc
      .integer({ min: 1, max: needed ? 30 : 6 })
      .map((drawn) => (needed ? drawn > 1 : drawn === 1));
    return fc
      .tuple(given, valueOf(name, property))
      .map(([isGiven, value]): readonly (readonly [string, unknown])[] => (isGiven ? [[name, value]] : []));
  });
  const right = fc.tuple(...entries).map((fields) => Object.fromEntries(fields.flat()));
  return fc.oneof(
    { weight: 12, arbitrary: right },
    {
      weight: 1,
      arbitrary: fc
        .tuple(right, strangerFields)
        .map(([fields, strange]) =>
          Object.fromEntries([...Object.entries(fields), ...Object.entries(strange)]),
        ),
    },
  );
}

const AN_ORDER = { symbol: 'SPX', side: 'buy', qty: '1' };
/** Calls that add up, where fields drawn one by one hardly ever would. */
const RIGHT: Readonly<Record<string, readonly object[]>> = {
  place_order: [
    { ...AN_ORDER, type: 'market' },
    { ...AN_ORDER, type: 'limit', limit_price: '4990', time_in_force: 'gtc' },
    { ...AN_ORDER, type: 'limit', limit_price: '4990', take_profit: '5100', stop_loss: '4900' },
    { ...AN_ORDER, type: 'limit', limit_price: '4990', post_only: true },
    { ...AN_ORDER, side: 'sell', type: 'stop', stop_price: '4950' },
    { ...AN_ORDER, side: 'sell', type: 'stop_limit', stop_price: '4950', limit_price: '4940' },
    { ...AN_ORDER, side: 'sell', type: 'trailing_stop', trail_percent: '2' },
    { symbol: 'SPX', side: 'sell', type: 'market', notional: '12000' },
    { ...AN_ORDER, type: 'market', dry_run: false, action_token: TOKEN, idempotency_key: 'fuzz' },
  ],
  modify_order: [
    { order_id: ORDER_ID, qty: '2' },
    { order_id: ORDER_ID, limit_price: '4901' },
    { order_id: ORDER_ID, qty: '2', limit_price: '4901', dry_run: false, idempotency_key: 'fuzz' },
  ],
  get_bars: [{ symbol: 'SPX', timeframe: '1m', limit: 5 }],
  close_position: [{ symbol: 'SPX' }, { symbol: 'SPX', qty: '1' }, { symbol: 'SPX', dry_run: true }],
};

/** A call that adds up but for a field or two. */
export function nearlyRight(tool: Fuzzed): fc.Arbitrary<Record<string, unknown>> {
  const properties = Object.entries(tool.inputSchema.properties);
  const right = fc.constantFrom(...(RIGHT[tool.name] ?? [{}]));
  if (properties.length === 0) return right.map((call) => ({ ...call }));
  const change = fc
    .constantFrom(...properties)
    .chain(([name, property]) =>
      valueOf(name, property).map((value): Record<string, unknown> => ({ [name]: value })),
    );
  return fc
    .tuple(right, fc.array(change, { maxLength: 2 }))
    .map(([call, changes]) => Object.assign({ ...call }, ...changes) as Record<string, unknown>);
}

export interface Fuzzed {
  readonly name: string;
  readonly inputSchema: InputSchema;
}

/** Arguments for a tool, as an object of fields. */
export function fieldsFor(tool: Fuzzed): fc.Arbitrary<Record<string, unknown>> {
  const drawn = fieldsOf(tool.inputSchema);
  return Object.hasOwn(RIGHT, tool.name) ? fc.oneof(nearlyRight(tool), nearlyRight(tool), drawn) : drawn;
}

/** Arguments as a door may receive them: mostly an object, sometimes its text, sometimes nothing of the kind. */
export function argumentsFor(tool: Fuzzed): Any {
  const fields = fieldsFor(tool);
  return fc.oneof(
    { weight: 30, arbitrary: fields },
    { weight: 1, arbitrary: fields.map((given) => JSON.stringify(given)) },
    { weight: 1, arbitrary: anything },
  );
}

/** The arguments with a real order and a real token in the place of their names. */
export function filledIn(given: unknown, real: { readonly order: string; readonly token: string }): unknown {
  if (given === ORDER_ID) return real.order;
  if (given === TOKEN) return real.token;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return given;
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [
      name,
      value === ORDER_ID || value === TOKEN ? filledIn(value, real) : value,
    ]),
  );
}
