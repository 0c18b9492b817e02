/** The stream for programs in words and shapes: what it is asked for, its events, and its place in OpenAPI. */
import { z } from 'zod';
import type { Scope } from '#domain/principal.ts';
import { fieldError, type Refusal, type RefusalReason } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { STREAM_HEARTBEAT_MS, STREAMS_PER_KEY_MAX, SYMBOLS_PER_CALL_MAX } from '#limits.ts';
import type { OrderEventsCursor } from '#trading/order-events.ts';
import { accountFilter, symbol } from './fields.ts';
import { inputSchemaOf, type JsonSchema, outputSchemaOf } from './json-schema.ts';
import { invalidInput, parseArguments } from './parse.ts';
import { OF_SYMBOL } from './refusals.ts';
import { AccountShape, OrderShape, QuoteShape, RefusalShape, TimelineShape, TradeShape } from './shapes.ts';

export const STREAM_TOPICS = ['quotes', 'orders', 'executions', 'accounts'] as const;

const input = z.strictObject({
  topics: z
    .array(z.enum(STREAM_TOPICS))
    .min(1)
    .max(STREAM_TOPICS.length)
    .default(['quotes'])
    .describe('What to be told of: quotes (read:market); orders, executions, accounts (read:account)'),
  symbols: z
    .array(symbol)
    .max(SYMBOLS_PER_CALL_MAX)
    .default([])
    .describe('Of which symbols, for the topic quotes'),
  account: accountFilter.describe('One of your accounts; default all yours'),
});
export const STREAM_REFUSALS: readonly RefusalReason[] = [...OF_SYMBOL, 'account_not_allowed'];
export type StreamInput = z.output<typeof input>;

/** As a route, for what reads the query. */
export const STREAM_ROUTE = {
  name: 'stream',
  inputSchema: inputSchemaOf(input),
  rest: { method: 'GET', path: '/stream' },
} as const;

export function streamInputOf(given: unknown): Result<StreamInput, Refusal> {
  const parsed = parseArguments({ name: STREAM_ROUTE.name, input, schema: STREAM_ROUTE.inputSchema }, given);
  if (!parsed.ok) return parsed;
  const { topics, symbols } = parsed.value.input;
  const wantsQuotes = topics.includes('quotes');
  if (wantsQuotes === symbols.length > 0) return ok(parsed.value.input);
  const rule = wantsQuotes
    ? 'which symbols, for the topic quotes, such as symbols=SPX,BTC/USD'
    : 'symbols are for the topic quotes: name it too, or leave them out';
  return err(invalidInput(STREAM_ROUTE.name, [fieldError('symbols', symbols.join(','), rule)]));
}

export function streamScopes({ topics }: StreamInput): readonly Scope[] {
  const scopes = topics.map((one): Scope => (one === 'quotes' ? 'read:market' : 'read:account'));
  return [...new Set(scopes)];
}

/** What stands behind `id:`, and comes back as Last-Event-ID. */
export const streamId = ({ changes, executions }: OrderEventsCursor): string => `${changes}-${executions}`;

export function streamCursorOf(given: string | undefined): Result<OrderEventsCursor | undefined, Refusal> {
  if (given === undefined || given === '') return ok(undefined);
  const [, changes, executions] = /^(\d{1,15})-(\d{1,15})$/.exec(given) ?? [];
  if (changes !== undefined && executions !== undefined)
    return ok({ changes: Number(changes), executions: Number(executions) });
  const rule =
    'the id of the last event of this stream, unchanged; leave it out to begin with what comes now';
  return err(invalidInput(STREAM_ROUTE.name, [fieldError('Last-Event-ID', given, rule)]));
}

const ReadyShape = z.object({
  topics: z.array(z.enum(STREAM_TOPICS)),
  /** As they are spelled in the events. */
  symbols: z.array(z.string()),
  /** The id that came could not be followed: what happened in between is not told. */
  lagged: z.literal(true).optional(),
});

/** By the name of the event: its `data`, and what it tells. */
const EVENTS = {
  ready: { shape: ReadyShape, about: 'The stream has begun.' },
  quote: { shape: QuoteShape, about: 'A quote at its latest; what came in between is left out.' },
  order: {
    shape: z.object({ order: OrderShape, change: TimelineShape }),
    about: 'Something became of an order of yours: the order as it is now, and what happened.',
  },
  execution: { shape: TradeShape, about: 'A fill of an order of yours.' },
  account: { shape: AccountShape, about: 'Money or holdings of an account have changed.' },
  trouble: {
    shape: z.object({ account: z.string(), refusal: RefusalShape }),
    about: 'The figures of an account could not be had; they are told with its next change.',
  },
} as const;
export type StreamEventName = keyof typeof EVENTS;

const EXAMPLE = [
  'event: ready\ndata: {"topics":["quotes"],"symbols":["SPX"]}',
  'event: quote\ndata: {"symbol":"SPX","bid":"1454.34","ask":"1454.35","last":"1454.35","bid_size":null,"ask_size":null,"time":"2000-01-03T18:14:59.999Z","age_ms":4,"source":"derived"}',
  ': beat',
]
  .map((block) => `${block}\n\n`)
  .join('');

/** The operation of OpenAPI, whose 200 is a stream of events. */
export function streamOperation(refusals: JsonSchema): JsonSchema {
  const { properties } = STREAM_ROUTE.inputSchema;
  const parameters = Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: false,
    ...(description === undefined ? {} : { description }),
    ...(schema.type === 'array' ? { style: 'form', explode: false } : {}),
    schema,
  }));
  const events = Object.entries(EVENTS).map(([name, { about }]) => `\`${name}\`: ${about}`);
  return {
    operationId: STREAM_ROUTE.name,
    summary: 'Stream of events',
    description: `Server-sent events, until either side ends it: ${events.join(' ')} Every ${STREAM_HEARTBEAT_MS / 1_000} s a comment keeps it alive. Orders and executions are told once each: come again with the id of the last event as \`Last-Event-ID\`, and what happened in between is told first. Who reads slowly is told less, each thing at its latest, and in the end cut off. A key may have ${STREAMS_PER_KEY_MAX} streams.`,
    tags: ['read:market'],
    'x-effect': 'read',
    parameters: [
      ...parameters,
      {
        name: 'Last-Event-ID',
        in: 'header',
        required: false,
        description: 'The id of the last event that was read, to go on behind it.',
        schema: { type: 'string', pattern: '^\\d+-\\d+$' },
      },
    ],
    responses: {
      '200': {
        description: 'The stream: `event` names what `data`, a JSON object, is.',
        content: {
          'text/event-stream': {
            schema: { type: 'string' },
            examples: { example: { summary: 'Quotes of SPX.', value: EXAMPLE } },
            'x-events': Object.fromEntries(
              Object.entries(EVENTS).map(([name, { shape }]) => [name, outputSchemaOf(shape)]),
            ),
          },
        },
      },
      ...refusals,
    },
  };
}
