/** GET /admin/events: tells an open page that something it shows has changed, and every other second how the gateway is. */
import { PassThrough } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { AuditEvent } from '#audit/event.ts';
import { LIVE_TOPICS, type LiveTopic } from '#console/define.ts';
import type { ConsoleServices } from '#console/desks.ts';
import {
  CONSOLE_BEAT_MS,
  CONSOLE_EVENT_DELAY_MS,
  CONSOLE_EVENT_INTERVAL_MS,
  CONSOLE_STREAM_BYTES_MAX,
  CONSOLE_STREAMS_MAX,
  CONSOLE_STREAMS_PER_SESSION_MAX,
} from '#limits.ts';
import { vitalsOf } from './console-chrome.ts';
import type { ConsoleRequest } from './console-request.ts';

export interface ConsoleEvents {
  serve(asked: ConsoleRequest): FastifyReply;
  /** Ends every stream. */
  close(): void;
}

/** What an event of the record changes, by the first word of its kind; `audit` changes with every line, reads included. */
const TOPICS_OF: ReadonlyMap<string, readonly LiveTopic[]> = new Map([
  // Mandates show what is used of them.
  ['order', ['orders', 'positions', 'agents', 'accounts']],
  ['approval', ['orders', 'state', 'agents']],
  ['reconcile', ['orders', 'positions', 'accounts']],
  ['limit', ['agents', 'accounts', 'state']],
  ['agent', ['agents', 'state']],
  ['mandate', ['agents', 'state']],
  ['key', ['agents']],
  ['account', ['accounts', 'positions', 'state']],
  ['broker', ['accounts', 'state']],
  ['gateway', ['state', 'agents']],
  ['kill', ['state', 'agents', 'accounts']],
  ['resume', ['state', 'agents']],
  ['settings', ['state']],
  ['preferences', ['state']],
  ['oauth', ['remote', 'state', 'agents']],
]);

interface Stream {
  readonly sessionId: string;
  tell(topics: readonly LiveTopic[]): void;
  beat(): void;
  end(): void;
}

export function openConsoleEvents(services: ConsoleServices): ConsoleEvents {
  const { access, recorded, markets, clock, remote } = services;
  /** Oldest first. */
  const streams = new Set<Stream>();
  const stops: (() => void)[] = [];
  const tellAll = (topics: readonly LiveTopic[]): void => {
    for (const stream of streams) stream.tell(topics);
  };
  const onRecorded = ({ kind }: AuditEvent): void => tellAll(TOPICS_OF.get(kind.split('.')[0] ?? '') ?? []);
  function beat(): void {
    // A stream that ends with it leaves the set.
    for (const stream of streams) stream.beat();
    if (streams.size > 0) stops[0] = clock.after(CONSOLE_BEAT_MS, beat);
  }
  /** Nobody pays for it while nobody listens. */
  function begin(): void {
    stops.push(
      clock.after(CONSOLE_BEAT_MS, beat),
      recorded.onRecorded(onRecorded),
      markets.onTick(() => tellAll(['quotes'])),
      remote.connections.onNews(() => tellAll(['remote'])),
      access.owner.onSessionEnd((id) => {
        for (const stream of streams) if (stream.sessionId === id) stream.end();
      }),
    );
  }
  function leave(stream: Stream): void {
    if (streams.delete(stream) && streams.size === 0) for (const stop of stops.splice(0)) stop();
  }

  return {
    serve(asked) {
      const { reply, session, token } = asked;
      if (session === undefined || token === undefined) return reply.code(401).send();
      const own = [...streams].filter(({ sessionId }) => sessionId === session.id);
      // The browser that reconnects is here; what it left behind may not know yet that nobody reads it.
      if (own.length >= CONSOLE_STREAMS_PER_SESSION_MAX) own[0]?.end();
      if (streams.size >= CONSOLE_STREAMS_MAX) return reply.code(503).header('retry-after', '5').send();
      const { topics, since } = asked.anyVisit.query;
      const wanted = topicsOf(topics);
      const body = new PassThrough({ highWaterMark: CONSOLE_STREAM_BYTES_MAX });
      const stream = openStream({
        services,
        body,
        wanted,
        sessionId: session.id,
        cut: () => {
          // A graceful end would wait for a reader.
          if (reply.raw.writableNeedDrain) reply.raw.destroy();
        },
        live: () => access.owner.peek(token) !== undefined,
        leave: () => leave(stream),
      });
      if (streams.size === 0) begin();
      streams.add(stream);
      reply.raw.once('close', () => stream.end());
      void reply
        // A proxy that collects what it passes on would keep it from the page.
        .headers({ 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' })
        .send(body);
      reply.raw.flushHeaders();
      stream.beat();
      // The page shows what was there at that line of the record.
      if (since !== undefined && since !== String(services.audit.head().seq)) stream.tell([...wanted]);
      return reply;
    },
    close() {
      for (const stream of streams) stream.end();
    },
  };
}

/** Those there are; a page of another version may name others. */
const topicsOf = (given: string | undefined): ReadonlySet<LiveTopic> => {
  const named = new Set((given ?? '').split(','));
  return new Set(LIVE_TOPICS.filter((topic) => named.has(topic)));
};

interface StreamOptions {
  readonly services: ConsoleServices;
  readonly body: PassThrough;
  readonly wanted: ReadonlySet<LiveTopic>;
  readonly sessionId: string;
  readonly live: () => boolean;
  readonly cut: () => void;
  readonly leave: () => void;
}

export function openStream({ services, body, wanted, sessionId, live, leave, cut }: StreamOptions): Stream {
  const { clock, audit } = services;
  const due = new Set<LiveTopic>();
  let toldAtMs = Number.NEGATIVE_INFINITY;
  let headSeq = audit.head().seq;
  let cancel: (() => void) | undefined;
  const send = (event: string, data: unknown): void =>
    void body.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);

  function flush(): void {
    cancel = undefined;
    // What is not read yet is not added to: it is told when there is room again.
    if (body.writableNeedDrain || due.size === 0) return;
    toldAtMs = clock.monotonicMs();
    send('change', [...due]);
    due.clear();
  }
  function schedule(): void {
    const sinceMs = clock.monotonicMs() - toldAtMs;
    cancel ??= clock.after(Math.max(CONSOLE_EVENT_DELAY_MS, CONSOLE_EVENT_INTERVAL_MS - sinceMs), flush);
  }
  function tell(topics: readonly LiveTopic[]): void {
    for (const topic of topics) if (wanted.has(topic)) due.add(topic);
    if (due.size > 0 && !body.writableNeedDrain) schedule();
  }
  function end(): void {
    leave();
    cancel?.();
    body.end();
    cut();
  }
  body.on('drain', () => due.size > 0 && schedule());
  return {
    sessionId,
    tell,
    end,
    beat() {
      if (!live()) return end();
      const { seq } = audit.head();
      if (seq !== headSeq) tell(['audit']);
      headSeq = seq;
      if (!body.writableNeedDrain) send('beat', vitalsOf(services));
    },
  };
}
