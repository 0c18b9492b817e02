/** Remote clients that ask to be let in, told together: however many strangers ask, it is a message in ten minutes. */
import { z } from 'zod';
import { NOTIFY_CLIENT_LINES_MAX, NOTIFY_CLIENTS } from '#limits.ts';
import { quoted } from './message.ts';
import type { Outbox, StoredMessage } from './outbox.ts';

/** In words of its own, and where it is answered. */
export interface AskingClient {
  readonly id: string;
  readonly name: string;
  readonly redirects: string;
  readonly address: string;
}

const KIND = 'client';
const SUBJECT = 'clients';

const Gathered = z.strictObject({
  dueAtMs: z.number(),
  clients: z.array(
    z.strictObject({ id: z.string(), name: z.string(), redirects: z.string(), address: z.string() }),
  ),
  /** Clients that found no line of their own. */
  more: z.number(),
});
type Gathered = z.output<typeof Gathered>;

/** What the newest message was made of; it may have left. */
function newest(outbox: Outbox): { readonly message: StoredMessage; readonly made: Gathered } | undefined {
  const message = outbox.latest(KIND, SUBJECT);
  const made = message?.gathered ? Gathered.safeParse(JSON.parse(message.gathered)) : undefined;
  return message && made?.success ? { message, made: made.data } : undefined;
}

interface Moment {
  readonly nowMs: number;
  /** For the owner's approval; else the owner's sign-in and consent let a client in. */
  readonly waits: boolean;
}

/** Joins the message that has not left yet, or begins one, some time after the one before. Inside a transaction. */
export function gatherClient(outbox: Outbox, client: AskingClient, { nowMs, waits }: Moment): void {
  const last = newest(outbox);
  if (last && nowMs < last.made.dueAtMs) {
    const gathered = withClient(last.made, client);
    outbox.rewrite(last.message.id, { ...wordsOf(gathered, waits), gathered: JSON.stringify(gathered) });
    return;
  }
  const { gatherMs, quietMs } = NOTIFY_CLIENTS;
  const dueAtMs = Math.max(nowMs + gatherMs, (last?.made.dueAtMs ?? 0) + quietMs);
  const gathered: Gathered = { dueAtMs, clients: [client], more: 0 };
  outbox.tell({
    kind: KIND,
    subject: SUBJECT,
    path: '/admin/remote-mcp',
    delayMs: dueAtMs - nowMs,
    needsOwner: waits,
    standing: true,
    ...wordsOf(gathered, waits),
    gathered: JSON.stringify(gathered),
  });
}

/** Answered: where nobody of the message asks any more, nobody else is told of it. Inside a transaction. */
export function dropClient(outbox: Outbox, id: string, { nowMs, waits }: Moment): void {
  const last = newest(outbox);
  if (!last?.made.clients.some((one) => one.id === id)) return;
  const { message, made } = last;
  const gathered = { ...made, clients: made.clients.filter((one) => one.id !== id) };
  // One that may have left keeps its words: who gets it twice must know it again.
  const words =
    nowMs < made.dueAtMs
      ? wordsOf(gathered, waits)
      : { title: message.title, body: message.body.split('\n') };
  outbox.rewrite(message.id, { ...words, gathered: JSON.stringify(gathered) });
  if (gathered.clients.length + gathered.more === 0) outbox.over(KIND, SUBJECT);
}

const withClient = (gathered: Gathered, client: AskingClient): Gathered =>
  gathered.clients.length < NOTIFY_CLIENT_LINES_MAX
    ? { ...gathered, clients: [...gathered.clients, client] }
    : { ...gathered, more: gathered.more + 1 };

function wordsOf(
  { clients, more }: Gathered,
  waits: boolean,
): { readonly title: string; readonly body: readonly string[] } {
  const count = clients.length + more;
  const which = count === 1 ? 'A remote client' : `${count} remote clients`;
  return {
    title: waits ? `${which} ${count === 1 ? 'asks' : 'ask'} to be let in` : `${which} signed up`,
    body: [
      `${waits ? 'Approve' : 'No approval is asked of you: your sign-in and consent, in the page that a host opens, let one in. Sign in for'} only what you have just added to a host yourself. What they call themselves is their own word:`,
      ...clients.map(
        ({ name, redirects, address }) =>
          `${quoted(name)}, answered at ${quoted(redirects)}${address === '' ? '' : `, from ${address}`}`,
      ),
      ...(more === 0 ? [] : [`and ${more} more`]),
    ],
  };
}
