/** REST: `/api/v1/*`, one route a tool, through the same dispatcher as every other door. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '#domain/principal.ts';
import { printable, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { Tool } from '#tools/define.ts';
import type { Dispatcher } from '#tools/dispatch.ts';
import type { PropertySchema } from '#tools/json-schema.ts';
import { isRecord } from '#tools/normalise.ts';
import { hasBody, REST_BASE } from '#tools/rest-shape.ts';
import { STREAM_ROUTE } from '#tools/stream-shape.ts';
import type { StreamSource } from '#tools/stream-source.ts';
import { atDoor, authenticate, challenge, type DoorAccess } from './auth.ts';
import { noPrincipal, sendProblem } from './problem.ts';
import { sendTogether } from './send-together.ts';
import { type StreamRouteOptions, streamRoute } from './stream.ts';

export interface RestOptions extends Pick<StreamRouteOptions, 'access' | 'audit' | 'clock'> {
  readonly dispatcher: Dispatcher;
  readonly access: DoorAccess;
  readonly tools: readonly Tool[];
  /** What programs are told of as it happens; absent, there is no stream. */
  readonly stream?: StreamSource;
}

type Arguments = Readonly<Record<string, unknown>>;

/** A query knows only text; what can not be read as the field's type goes on as text and is refused there, with its rule. */
function fromText(text: string, schema: PropertySchema | undefined): unknown {
  const type = schema?.type;
  if (type === 'integer' || type === 'number') return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
  if (type === 'boolean') return text === 'true' || text === 'false' ? text === 'true' : text;
  return type === 'array' ? text.split(',') : text;
}

const shown = (field: string): string => printable(field).slice(0, 40);
const twice = (field: string): Refusal =>
  refuse('invalid_input', `${shown(field)} is given more than once; say it once.`);

/** Path, query and body as the arguments of one call; a field said twice is refused, never resolved. */
function argumentsOf(
  tool: Pick<Tool, 'name' | 'inputSchema' | 'rest'>,
  request: FastifyRequest,
): Result<Arguments, Refusal> {
  const { properties } = tool.inputSchema;
  const queried = Object.entries(request.query as Record<string, string | string[]>);
  const [misplaced] = queried[0] ?? [];
  // One place for each argument, as OpenAPI says: what stands in an address ends up in logs and histories.
  if (misplaced !== undefined && hasBody(tool.rest.method))
    return err(
      refuse(
        'invalid_input',
        `${tool.name} takes its arguments in the JSON body, not in the address: ${shown(misplaced)}.`,
      ),
    );
  const body = request.body ?? {};
  if (!isRecord(body)) return err(refuse('invalid_input', 'Send the arguments as one JSON object.'));
  const args = new Map(Object.entries(body));
  const spoken = { ...(request.params as Record<string, string>) };
  for (const [field, given] of queried) {
    if (typeof given !== 'string' || Object.hasOwn(spoken, field)) return err(twice(field));
    spoken[field] = given;
  }
  for (const [field, text] of Object.entries(spoken)) {
    if (args.has(field)) return err(twice(field));
    args.set(field, fromText(text, Object.hasOwn(properties, field) ? properties[field] : undefined));
  }
  return ok(Object.fromEntries(args));
}

/** `/orders/{order_id}` -> `/api/v1/orders/:order_id`. */
const urlOf = (tool: Tool): string => `${REST_BASE}${tool.rest.path.replaceAll(/\{(\w+)\}/g, ':$1')}`;

export function rest(app: FastifyInstance, options: RestOptions): void {
  const { dispatcher, access } = options;
  function answerRefusal(reply: FastifyReply, refusal: Refusal, scope?: string): FastifyReply {
    return sendProblem(challenge(reply, refusal, scope), refusal);
  }
  const principals = new WeakMap<FastifyRequest, Principal>();
  sendTogether(app);
  // Before the body is read: a stranger's is not parsed, and learns nothing about the arguments.
  app.addHook('onRequest', (request, reply, done) => {
    const principal = authenticate(access, {
      authorization: request.headers.authorization,
      door: 'rest',
      address: request.ip,
    });
    if (!principal.ok) return void answerRefusal(reply, principal.error);
    principals.set(request, principal.value);
    return done();
  });

  async function serve(tool: Tool, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const principal = principals.get(request);
    if (!principal) return answerRefusal(reply, noPrincipal());
    const args = argumentsOf(tool, request);
    if (!args.ok) return answerRefusal(reply, args.error);
    const answer = await dispatcher.call({ tool: tool.name, args: args.value, principal, via: 'rest' });
    if (answer === null) return answerRefusal(reply, refuse('not_found', 'There is no such tool.'));
    if (answer.ok) return reply.header('cache-control', 'no-store').send(answer.output);
    // The kill switch ends the credential itself, and is told as such.
    const refusal = access.stillLive(principal).ok ? answer.refusal : atDoor(answer.refusal);
    return answerRefusal(reply, refusal, tool.scope);
  }
  for (const tool of options.tools)
    app.route({
      method: tool.rest.method,
      url: urlOf(tool),
      handler: (request, reply) => serve(tool, request, reply),
    });
  if (options.stream)
    streamRoute(app, {
      ...options,
      source: options.stream,
      callerOf: (request) => principals.get(request),
      argumentsOf: (request) => argumentsOf(STREAM_ROUTE, request),
      answerRefusal,
    });
}
