/** Closing: cancel what would reduce the position already, wait for the broker's word, then send one close for what is left. */
import { isFinal, type Side } from '#domain/order.ts';
import { type AccountId, type Actor, holderOf, type Principal } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { authoriseReduction, cancelMany } from './cancel.ts';
import { recallClose } from './close-key.ts';
import { previewClose } from './close-preview.ts';
import {
  type CloseRequest,
  type Closer,
  closeProposal,
  factsFor,
  inProduct,
  inTheWay,
  isThisClose,
  moreThanHeld,
  nothingToClose,
  positionFor,
  wholeOf,
} from './closer.ts';
import type { CloseOutcomeView, ReduceCommit } from './desk.ts';
import { dispatch, mustFind } from './dispatch.ts';
import { readFacts } from './facts.ts';
import { type Line, resolveFor } from './line.ts';
import { newOrder } from './new-order.ts';
import type { StoredOrder } from './order-rows.ts';
import { gatherToClose, type Outside } from './outside.ts';
import { booksAreReady } from './ready.ts';
import { bindReduction, settleReduction, underKey } from './reduction-key.ts';
import { assess } from './risk.ts';
import { createOrder, transition } from './transition.ts';

export async function closePosition(
  line: Line,
  who: Principal,
  request: CloseRequest,
  commit: ReduceCommit,
): Promise<Result<CloseOutcomeView, Refusal>> {
  const allowed = authoriseReduction(line, who);
  if (!allowed.ok) return allowed;
  const account = mayClose(line, who, request.account);
  if (!account.ok) return account;
  const known = recallClose(line, who, commit);
  if (known !== undefined) return known;
  const closer: Closer = {
    agent: who.agent,
    credential: who.credential,
    permit: { epoch: who.epoch, byOwner: false },
    origin: 'close',
    by: who,
    commit,
  };
  if (commit.dryRun) return previewClose(line, closer, request);
  const result = await closeOnce(line, who, { closer, request, commit });
  return result.ok ? ok({ dryRun: false, ...result.value }) : result;
}

/** Closes under a key that has not been used yet. */
export async function closeOnce(
  line: Line,
  who: Actor,
  {
    closer,
    request,
    commit,
  }: { readonly closer: Closer; readonly request: CloseRequest; readonly commit: ReduceCommit },
): Promise<Result<Closed, Refusal>> {
  bindReduction(line, who, commit);
  return underKey(line, who, commit, async () => {
    const result = await close(line, closer, request);
    settleClose(line, who, commit, result);
    return result;
  });
}

function settleClose(line: Line, who: Actor, commit: ReduceCommit, result: Result<Closed, Refusal>): void {
  settleReduction(
    line,
    who,
    commit,
    result.ok
      ? {
          orderId: result.value.order?.orderId ?? null,
          canceled: result.value.canceled,
          detail: result.value.detail,
        }
      : { refusal: result.error },
  );
}

function mayClose(line: Line, who: Principal, account: AccountId): Result<void, Refusal> {
  const own = line.access.agents.accountsOf(who.agent);
  if (!own.includes(account)) {
    return err(
      refuse('account_not_allowed', `The account ${account} is not yours.`, { did_you_mean: [...own] }),
    );
  }
  return booksAreReady(line, account);
}

export interface Closed {
  readonly order: StoredOrder | null;
  readonly canceled: readonly string[];
  readonly detail: string;
}

/** One close at a time for an agent, an account and an instrument: a second one sees what the first has done. */
export async function close(
  line: Line,
  closer: Closer,
  request: CloseRequest,
): Promise<Result<Closed, Refusal>> {
  const instrument = resolveFor(line, request.account, request.symbol);
  if (!instrument.ok) return instrument;
  const turn = `${closer.agent} ${request.account} ${instrument.value.id}`;
  const before = line.memory.closing.get(turn) ?? Promise.resolve();
  const mine = before.then(
    () => closeNow(line, closer, request),
    () => closeNow(line, closer, request),
  );
  line.memory.closing.set(turn, mine);
  try {
    return await mine;
  } finally {
    if (line.memory.closing.get(turn) === mine) line.memory.closing.delete(turn);
  }
}

async function closeNow(line: Line, closer: Closer, request: CloseRequest): Promise<Result<Closed, Refusal>> {
  const outside = await gatherToClose(line, request.account, request.symbol);
  if (!outside.ok) return outside;
  const { instrument } = outside.value;
  // An agent's own close may be for a part only: the owner's flatten takes it back like every other reducing order.
  const position = positionFor(line, closer, request.account, instrument.id);
  const named = inProduct(line, closer, request, outside.value);
  if (!named.ok) return named;
  const { product } = named.value;
  const only = request.unknownProduct ? 'unknown' : product;
  const working = inTheWay(line, closer, { account: request.account, instrument: instrument.id }, only);
  const wanted = {
    qty: request.qty ?? wholeOf(line, named.value, outside.value, position),
    ...(product === undefined ? {} : { product }),
  };
  const already = working.find((order) => isThisClose(order, closer, wanted));
  if (already !== undefined) {
    return ok({ order: already, canceled: [], detail: 'a close is at work already; this is it' });
  }
  if (position.eq('0')) return err(nothingToClose(line, closer, instrument.symbol));
  const tooMuch = moreThanHeld(line, closer, { request, position, symbol: instrument.symbol });
  if (tooMuch !== undefined) return err(tooMuch);
  const cancels = await cancelMany(line, working, 'canceled before the position is closed', closer.by);
  // An agent hears of its own orders alone.
  const mine = (orderId: string): boolean =>
    closer.origin === 'flatten' || mustFind(line, orderId).agent === closer.agent;
  const canceled = cancels.canceled.filter(mine);
  const unclear = working
    .map((order) => mustFind(line, order.orderId))
    .filter((order) => !isFinal(order.status));
  if (unclear.length > 0) {
    const named = unclear.map(({ orderId }) => orderId).filter(mine);
    return err(
      refuse(
        'reconciling',
        `The broker has not confirmed the cancel of ${named.length > 0 ? named.join(', ') : 'an order against the same position'}; nothing was sent. Try again in a moment.`,
        {
          retry_after: 1,
          verify_with: 'get_orders',
        },
      ),
    );
  }
  // The cancels took time: what the broker says of the account, and the price, are asked again.
  const fresh = await gatherToClose(line, request.account, request.symbol);
  if (!fresh.ok) return fresh;
  const decided = line.store.transaction(() => decideClose(line, closer, request, fresh.value));
  if (!decided.ok) return decided;
  if (decided.value.cleared === null)
    return ok({ order: null, canceled, detail: 'nothing was left to close' });
  const order = await dispatch(line, decided.value.order, decided.value.cleared, closer.permit);
  return ok({ order, canceled, detail: 'the close was sent' });
}

type DecidedClose =
  | { readonly cleared: null }
  | { readonly cleared: Parameters<typeof dispatch>[2]; readonly order: StoredOrder };

function decideClose(
  line: Line,
  closer: Closer,
  request: CloseRequest,
  outside: Outside,
): Result<DecidedClose, Refusal> {
  if (closer.by?.kind === 'agent') {
    const live = authoriseReduction(line, closer.by);
    if (!live.ok) return live;
  }
  // What was asked outside took time: its books may be about to be emptied, and a close would then open a position.
  if (line.memory.restarting.has(request.account)) {
    const ready = booksAreReady(line, request.account);
    if (!ready.ok) return ready;
  }
  const position = positionFor(line, closer, request.account, outside.instrument.id);
  if (position.eq('0')) return ok({ cleared: null });
  const side: Side = position.gt('0') ? 'sell' : 'buy';
  const facts = readFacts(line, factsFor(closer, request.account, side), outside);
  const named = inProduct(line, closer, request, outside);
  if (!named.ok) return named;
  const qty = request.qty ?? wholeOf(line, named.value, outside, position);
  const wanted = { ...named.value, qty };
  const proposal = closeProposal(closer, wanted, position, facts.broker);
  const verdict = assess(facts, proposal);
  if (verdict.kind !== 'cleared') return err(verdict.refusal);
  const order = createOrder(
    line,
    newOrder(line, {
      who: closer,
      facts,
      proposal,
      effect: 'reducing',
      valued: verdict.valued,
      clientOrderId: null,
      tag: null,
    }),
    closer.origin === 'close' ? 'close of the position' : 'flattened by the owner',
    closer.by,
  );
  if (closer.commit?.idempotencyKey !== undefined) {
    const { tool, idempotencyKey } = closer.commit;
    line.idempotency.attach(
      closer.by ? holderOf(closer.by) : closer.agent,
      tool,
      idempotencyKey,
      order.orderId,
    );
  }
  const submitting = transition(line, order, { to: 'submitting', detail: 'cleared: it only reduces' });
  return ok({ cleared: verdict.mint({ brokerClientId: order.brokerClientId }), order: submitting });
}
