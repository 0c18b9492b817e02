// The room that tells the owner, with a real record, real keys, a hand-turned clock, and receivers that really listen.
import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { AuditEvent } from '#audit/event.ts';
import { OWNER_CONSOLE } from '#domain/principal.ts';
import type { GivenDestination } from '#notify/desk.ts';
import { NOTIFY_KINDS } from '#notify/kinds.ts';
import { type Notify, openNotify } from '#notify/notify.ts';
import { type AuditRoom, openAuditRoom } from './audit-room.ts';

export const ALL_KINDS = NOTIFY_KINDS.map(({ id }) => id);

export interface NotifyRoom extends AuditRoom {
  readonly notify: Notify;
  readonly faults: readonly unknown[];
  /** One event, committed alone. */
  happens(event: Omit<AuditEvent, 'outcome'> & Partial<Pick<AuditEvent, 'outcome'>>): number;
  /** A destination that is told of everything; gives its id and what was shown once. */
  destination(given: Partial<GivenDestination> & Pick<GivenDestination, 'channel' | 'fields'>): {
    readonly id: string;
    readonly secret: string | undefined;
  };
  /** Turns the clock, letting real sockets go on after each step, until `done` or far too long. */
  until(done: () => boolean, most?: { readonly steps?: number; readonly stepMs?: number }): Promise<void>;
  rows(sql: string): readonly Record<string, unknown>[];
}

export function openNotifyRoom(
  options: { readonly root?: string; readonly start?: boolean; readonly approvesClients?: boolean } = {},
): NotifyRoom {
  const room = openAuditRoom(options.root === undefined ? {} : { root: options.root });
  const { store, clock, keyring, log } = room;
  const faults: unknown[] = [];
  const notify = openNotify({
    store,
    audit: log,
    keyring,
    clock,
    wallMs: () => clock.wallMs(),
    approvesClients: () => options.approvesClients ?? true,
    ownUrl: () => 'http://127.0.0.1:7800',
    onFault: (cause) => void faults.push(cause),
  });
  onTestFinished(() => notify.stop());
  if (options.start !== false) notify.start();
  return {
    ...room,
    notify,
    faults,
    happens: (event) => store.transaction(() => log.record({ outcome: 'ok', ...event })),
    destination(given) {
      const added = notify.desk.add({ label: given.channel, kinds: ALL_KINDS, ...given }, OWNER_CONSOLE);
      if (!added.ok) throw new Error(JSON.stringify(added.error));
      return added.value;
    },
    async until(done, { steps = 200, stepMs = 100 } = {}) {
      for (let step = 0; step < steps; step++) {
        if (done()) return;
        await clock.advanceAsync(stepMs);
        await realTurn();
      }
      if (!done()) throw new Error(`it did not come about within ${(steps * stepMs) / 1_000} s of the clock`);
    },
    rows: (sql) => store.db.prepare<[], Record<string, unknown>>(sql).all(),
  };
}

/** A little of real time, so that sockets on loopback get on. */
export const realTurn = (ms = 2): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export interface Received {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface Receiver {
  readonly url: string;
  readonly received: Received[];
  /** What the next requests are answered; by default 200. */
  answer: (response: ServerResponse, request: Received) => void;
  /** Connections that are open now. */
  connections(): number;
  close(): Promise<void>;
}

/** A real HTTP server on loopback, for one test. */
export async function openReceiver(): Promise<Receiver> {
  const receiver = await startReceiver();
  onTestFinished(() => receiver.close());
  return receiver;
}

/** The same for as long as its caller wants it. */
export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  let open = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one = {
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      };
      received.push(one);
      receiver.answer(response, one);
    });
  });
  server.on('connection', (socket) => {
    open++;
    socket.on('close', () => open--);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const receiver: Receiver = {
    url: `http://127.0.0.1:${port}`,
    received,
    answer: (response) => void response.writeHead(200).end(),
    connections: () => open,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return receiver;
}

/** What a receiver of Standard Webhooks checks. */
export function isSigned({ headers, body }: Received, secret: string): boolean {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const content = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
  return headers['webhook-signature'] === `v1,${createHmac('sha256', key).update(content).digest('base64')}`;
}

export const HALTED = {
  kind: 'agent.halted',
  agent: 'claude',
  detail: { after: 'agent', why: 'it is late' },
};
/** An order whose outcome nobody knows. */
export const UNCLEAR = {
  kind: 'order.transition',
  agent: 'claude',
  account: 'paper',
  outcome: 'unknown',
  detail: { order_id: 'ord_1', from: 'submitting', to: 'unknown', qty: '5', filled_qty: '0' },
} as const;

export const webhookTo = (room: NotifyRoom, receiver: Receiver, label = 'webhook') =>
  room.destination({ channel: 'webhook', label, fields: { secret_url: receiver.url } });
/** Of what came to a webhook. */
export const titlesIn = ({ received }: Receiver): readonly string[] =>
  received.map(({ body }) => (JSON.parse(body) as { data: { title: string } }).data.title);
export const idsIn = ({ received }: Receiver) => received.map(({ headers }) => headers['webhook-id']);
export const jobsOf = (room: NotifyRoom) =>
  room.rows(
    `SELECT d.label, j.state FROM notify_jobs j JOIN notify_destinations d ON d.id = j.destination_id
     JOIN notify_messages m ON m.id = j.message_id ORDER BY m.rowid, d.place`,
  );
