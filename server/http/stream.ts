/** GET /api/v1/stream: what programs are told as it happens, as server-sent events; so many a key, an address and in all. */
import { PassThrough } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AuditLog } from '#audit/log.ts';
import type { Principal } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, type Result } from '#domain/result.ts';
import {
  STREAM_BUFFER_BYTES_MAX,
  STREAMS_MAX,
  STREAMS_PER_ADDRESS_MAX,
  STREAMS_PER_KEY_MAX,
  STREAMS_RETRY_AFTER_SECONDS,
} from '#limits.ts';
import type { Clock } from '#ports.ts';
import { REST_BASE } from '#tools/rest-shape.ts';
import {
  STREAM_ROUTE,
  type StreamInput,
  streamCursorOf,
  streamInputOf,
  streamScopes,
} from '#tools/stream-shape.ts';
import type { StreamSource, StreamSubject } from '#tools/stream-source.ts';
import { atDoor, type DoorAccess } from './auth.ts';
import { headerOf } from './mcp-web.ts';
import { StreamHub } from './stream-hub.ts';

export interface StreamRouteOptions {
  readonly source: StreamSource;
  readonly access: Pick<DoorAccess, 'stillLive'>;
  readonly audit: Pick<AuditLog, 'recordRepeated'>;
  readonly clock: Clock;
  readonly callerOf: (request: FastifyRequest) => Principal | undefined;
  readonly argumentsOf: (request: FastifyRequest) => Result<object, Refusal>;
  readonly answerRefusal: (reply: FastifyReply, refusal: Refusal, scope?: string) => FastifyReply;
}

interface Call {
  readonly principal: Principal;
  readonly input: StreamInput;
}
type Opened = Result<StreamSubject, Refusal>;

/** Who has a stream. */
interface Holder {
  readonly credential: string;
  readonly address: string;
}

export function streamRoute(app: FastifyInstance, options: StreamRouteOptions): void {
  const { source, access, clock, audit } = options;
  const hub = new StreamHub({ clock, changes: source.changes });
  const holders = new Set<Holder>();
  app.addHook('preClose', async () => hub.close());

  function refuseAnother(holder: Holder): Refusal | undefined {
    const all = Array.from(holders);
    const count = (same: keyof Holder): number => all.filter((one) => one[same] === holder[same]).length;
    if (count('credential') >= STREAMS_PER_KEY_MAX) return tooMany(`this key has ${STREAMS_PER_KEY_MAX}`);
    if (count('address') >= STREAMS_PER_ADDRESS_MAX)
      return tooMany(`this address has ${STREAMS_PER_ADDRESS_MAX}`);
    return all.length >= STREAMS_MAX ? tooMany(`the gateway has ${STREAMS_MAX}`) : undefined;
  }

  async function openSubject(request: FastifyRequest, { principal, input }: Call): Promise<Opened> {
    const after = streamCursorOf(headerOf(request, 'last-event-id'));
    if (!after.ok) return after;
    const subject = await source.open(input, { principal, via: 'rest' }, after.value);
    const live = access.stillLive(principal);
    if (!subject.ok) return live.ok ? subject : err(atDoor(subject.error));
    if (live.ok) return subject;
    subject.value.close();
    return err(atDoor(live.error));
  }

  app.get(`${REST_BASE}${STREAM_ROUTE.rest.path}`, async (request, reply) => {
    const principal = options.callerOf(request);
    if (!principal) throw new Error('a stream without a caller');
    const args = options.argumentsOf(request);
    const input = args.ok ? streamInputOf(args.value) : args;
    if (!input.ok) return options.answerRefusal(reply, input.error);
    const holder: Holder = { credential: principal.credential, address: request.ip };
    const another = refuseAnother(holder);
    if (another) {
      audit.recordRepeated({ ...onRecord(principal), detail: { reason: another.reason } });
      return options.answerRefusal(reply, another);
    }
    // Taken before anything is waited for: a hundred that come at once are counted too.
    holders.add(holder);
    let gone = false;
    reply.raw.once('close', () => {
      gone = true;
      holders.delete(holder);
    });
    const subject = await openSubject(request, { principal, input: input.value });
    if (!subject.ok) {
      holders.delete(holder);
      const lacks = streamScopes(input.value).find((scope) => !principal.scopes.has(scope));
      return options.answerRefusal(reply, subject.error, lacks);
    }
    if (gone) {
      subject.value.close();
      return reply;
    }
    const body = new PassThrough({ highWaterMark: STREAM_BUFFER_BYTES_MAX });
    const stream = hub.open({
      subject: subject.value,
      live: () => (access.stillLive(principal).ok ? principal : undefined),
      body,
      // A graceful end would wait for a reader.
      cut: () => void (reply.raw.writableNeedDrain && reply.raw.destroy()),
    });
    reply.raw.once('close', () => stream.end());
    void reply
      // A proxy that collects what it passes on would keep it from the program.
      .headers({
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      })
      .send(body);
    reply.raw.flushHeaders();
    return reply;
  });
}

const tooMany = (who: string): Refusal =>
  refuse('rate_limited', `No more streams: ${who} open. End one of them first.`, {
    retry_after: STREAMS_RETRY_AFTER_SECONDS,
  });

const onRecord = ({ agentName, credential }: Principal) =>
  ({
    kind: 'stream.refused',
    agent: agentName,
    credential,
    door: 'rest',
    outcome: 'refused',
  }) as const;
