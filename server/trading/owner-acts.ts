/** What the owner does beside the ticket: cancels anybody's orders, closes anybody's positions, halts and lifts agents. */
import { OWNER_CONSOLE } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { alreadyOver, cancelMany, cancelOne } from './cancel.ts';
import { cancelAdding } from './cancel-adding.ts';
import { ASKED } from './cancel-words.ts';
import { closeOnce } from './close.ts';
import { recallClose } from './close-key.ts';
import { previewClose } from './close-preview.ts';
import type { Closer } from './closer.ts';
import type { ReduceCommit } from './desk.ts';
import { digestOf } from './digest.ts';
import { ACCOUNT_HOLDER } from './holdings.ts';
import type { Line } from './line.ts';
import type { AgentStanding, ClosePreview, OwnerClose, OwnerFilter } from './owner-desk.ts';
import { anyOrder, workingOf } from './owner-orders.ts';
import { type OwnerForm, wrongKey } from './owner-ticket.ts';
import { booksAreReady } from './ready.ts';
import type { CancelResult, CloseResult, OrderRecord } from './views.ts';

export async function cancelAny(line: Line, orderId: string): Promise<Result<OrderRecord, Refusal>> {
  const found = anyOrder(line, orderId);
  if (!found.ok) return found;
  return alreadyOver(found.value) ?? cancelOne(line, found.value, ASKED.byOwner, OWNER_CONSOLE);
}

export async function cancelAllOf(line: Line, filter: OwnerFilter): Promise<Result<CancelResult, Refusal>> {
  return ok(await cancelMany(line, workingOf(line, filter), ASKED.byOwner, OWNER_CONSOLE));
}

/** In the holder's name and on the owner's word, like the kill switch's flatten: it goes out while everything else is halted. */
const closerOf = ({ holder }: OwnerClose, commit?: ReduceCommit): Closer => ({
  agent: holder,
  credential: OWNER_CONSOLE.credential,
  permit: { epoch: 0, byOwner: true },
  origin: 'flatten',
  by: OWNER_CONSOLE,
  ...(commit === undefined ? {} : { commit }),
});

export async function closeFor(
  line: Line,
  asked: OwnerClose,
  idempotencyKey?: string,
): Promise<Result<CloseResult, Refusal>> {
  const wrong = idempotencyKey === undefined ? undefined : wrongKey(idempotencyKey);
  if (wrong !== undefined) return err(wrong);
  const ready = readyToClose(line, asked);
  if (!ready.ok) return ready;
  const commit: ReduceCommit = {
    tool: 'close' satisfies OwnerForm,
    digest: digestOf(asked),
    dryRun: false,
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  };
  const known = recallClose(line, OWNER_CONSOLE, commit);
  if (known !== undefined) {
    if (!known.ok) return known;
    if (known.value.dryRun) throw new Error('a close that was committed came back as a preview');
    return ok(known.value);
  }
  return closeOnce(line, OWNER_CONSOLE, { closer: closerOf(asked, commit), request: asked, commit });
}

export async function previewCloseFor(line: Line, asked: OwnerClose): Promise<Result<ClosePreview, Refusal>> {
  const ready = readyToClose(line, asked);
  if (!ready.ok) return ready;
  const previewed = await previewClose(line, closerOf(asked), asked);
  if (!previewed.ok) return previewed;
  if (!previewed.value.dryRun) throw new Error('a preview came back as a close');
  return ok({ preview: previewed.value.preview, wouldCancel: previewed.value.wouldCancel });
}

function readyToClose(line: Line, { holder, account }: OwnerClose): Result<void, Refusal> {
  // The account's own row is the sum of what holders have: nobody's to close, and a fill of it would count twice.
  if (holder === ACCOUNT_HOLDER) return err(refuse('not_found', 'A position is closed by whose it is.'));
  return booksAreReady(line, account);
}

export function haltAgent(
  line: Line,
  name: string,
): Result<AgentStanding & { readonly canceling: readonly string[] }, Refusal> {
  const halted = line.access.agents.halt(name, OWNER_CONSOLE, 'console');
  if (!halted.ok) return halted;
  const canceling = cancelAdding(line, halted.value.id, {
    why: 'canceled: the owner halted the agent',
    actor: OWNER_CONSOLE,
  });
  return ok({ ...standingOf(line, halted.value), canceling });
}

export function liftAgent(line: Line, name: string): Result<AgentStanding, Refusal> {
  const lifted = line.access.agents.lift(name, OWNER_CONSOLE);
  return lifted.ok ? ok(standingOf(line, lifted.value)) : lifted;
}

type Agent = NonNullable<ReturnType<Line['access']['agents']['byName']>>;

function standingOf(line: Line, { id, name }: Agent): AgentStanding {
  const { state, reason } = line.access.agents.stateOf(id);
  return { agent: name, tradingState: state, reason };
}
