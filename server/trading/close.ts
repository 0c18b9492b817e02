/** Closing: cancel what would reduce the position already, wait for the broker's word, then send one close for what is left. */
import { absolute, type Quantity, text } from '#domain/decimal.ts';
import { isFinal, type Side } from '#domain/order.ts';
import type { AccountId, Principal } from '#domain/principal.ts';
import { fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { authoriseReduction, bindReduction, cancelMany, settleReduction } from './cancel.ts';
import { recallClose, releaseKey } from './close-key.ts';
import type { CloseOutcomeView, ReduceCommit } from './desk.ts';
import { dispatch, mustFind, type Permit } from './dispatch.ts';
import { type Facts, type Proposal, readFacts } from './facts.ts';
import { ACCOUNT_HOLDER } from './holdings.ts';
import type { Line } from './line.ts';
import { newOrder } from './new-order.ts';
import type { StoredOrder } from './order-rows.ts';
import { gatherOutside, type Outside } from './outside.ts';
import { describe } from './preview.ts';
import { assess } from './risk.ts';
import { mayReduceAccount } from './risk-reducing.ts';
import { createOrder, transition } from './transition.ts';

export interface CloseRequest {
  readonly account: AccountId;
  readonly symbol: string;
  /** Absent: all that the agent owns. */
  readonly qty?: Quantity;
}

/** Who closes: an agent through its credential, or the owner's flatten in the agent's name. */
export interface Closer {
  readonly agent: StoredOrder['agent'];
  readonly credential: string;
  readonly permit: Permit;
  readonly origin: 'close' | 'flatten';
  readonly principal?: Principal;
  /** The call whose key the close belongs to. */
  readonly commit?: ReduceCommit;
}

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
    principal: who,
    commit,
  };
  if (commit.dryRun) return previewClose(line, closer, request);
  bindReduction(line, who, commit);
  try {
    const result = await close(line, closer, request);
    settleClose(line, who, commit, result);
    return result.ok ? ok({ dryRun: false, ...result.value }) : result;
  } catch (cause) {
    releaseKey(line, who, commit);
    throw cause;
  }
}

function settleClose(
  line: Line,
  who: Principal,
  commit: ReduceCommit,
  result: Result<Closed, Refusal>,
): void {
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
  if (line.memory.reconciled.has(account)) return ok(undefined);
  return err(
    refuse(
      'reconciling',
      `The books of ${account} are being compared with its broker; try again in a moment.`,
      { retry_after: 1 },
    ),
  );
}

interface Closed {
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
  const instrument = line.book.resolve(request.symbol);
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
  const outside = await gatherOutside(line, request.account, request.symbol);
  if (!outside.ok) return outside;
  const { instrument } = outside.value;
  const target = { agent: closer.agent, account: request.account, instrument: instrument.id };
  const reducing = line.orders.reductionsOf(target);
  // An agent's own close may be for a part only: the owner's flatten takes it back like every other reducing order.
  const already = reducing.find(
    (order) => order.origin === 'flatten' || (order.origin === 'close' && closer.origin === 'close'),
  );
  if (already !== undefined) {
    return ok({ order: already, canceled: [], detail: 'a close is at work already; this is it' });
  }
  const position = positionFor(line, closer, request.account, instrument.id);
  if (position.eq('0')) {
    return err(
      refuse('not_reducing', `You have no position in ${instrument.symbol} to close.`, {
        verify_with: 'get_positions',
      }),
    );
  }
  const canceled = await cancelMany(
    line,
    reducing,
    'canceled before the position is closed',
    closer.principal,
  );
  const unclear = reducing
    .map((order) => mustFind(line, order.orderId))
    .filter((order) => !isFinal(order.status));
  if (unclear.length > 0) {
    return err(
      refuse(
        'reconciling',
        `The broker has not confirmed the cancel of ${unclear.map((order) => order.orderId).join(', ')}; nothing was sent. Try again in a moment.`,
        {
          retry_after: 1,
          verify_with: 'get_orders',
        },
      ),
    );
  }
  // The cancels took time: what the broker says of the account, and the price, are asked again.
  const fresh = await gatherOutside(line, request.account, request.symbol);
  if (!fresh.ok) return fresh;
  const decided = line.store.transaction(() => decideClose(line, closer, request, fresh.value));
  if (!decided.ok) return decided;
  if (decided.value.cleared === null)
    return ok({ order: null, canceled: canceled.canceled, detail: 'nothing was left to close' });
  const order = await dispatch(line, decided.value.order, decided.value.cleared, closer.permit);
  return ok({ order, canceled: canceled.canceled, detail: 'the close was sent' });
}

/** What is closed: the agent's own position; where it may reduce the account and owns nothing, the account's. */
function positionFor(
  line: Line,
  closer: Closer,
  account: AccountId,
  instrument: StoredOrder['instrument'],
): Quantity {
  const own = line.holdings.of(closer.agent, account, instrument).qty;
  if (!own.eq('0') || closer.origin === 'flatten') return own;
  const mandate = line.access.mandates.current(closer.agent);
  return mayReduceAccount(mandate, account, line.wallMs())
    ? line.holdings.of(ACCOUNT_HOLDER, account, instrument).qty
    : own;
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
  if (closer.principal !== undefined) {
    const live = authoriseReduction(line, closer.principal);
    if (!live.ok) return live;
  }
  const position = positionFor(line, closer, request.account, outside.instrument.id);
  if (position.eq('0')) return ok({ cleared: null });
  const side: Side = position.gt('0') ? 'sell' : 'buy';
  const facts = readFacts(line, { agent: closer.agent, account: request.account, side }, outside);
  const proposal = closeProposal(closer, request, position, side);
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
    closer.principal,
  );
  if (closer.commit?.idempotencyKey !== undefined) {
    const { tool, idempotencyKey } = closer.commit;
    line.idempotency.attach(closer.agent, tool, idempotencyKey, order.orderId);
  }
  const submitting = transition(line, order, { to: 'submitting', detail: 'cleared: it only reduces' });
  return ok({ cleared: verdict.mint({ brokerClientId: order.brokerClientId }), order: submitting });
}

/** A market order that is good until canceled: outside the session it waits for the open instead of expiring. */
function closeProposal(closer: Closer, request: CloseRequest, position: Quantity, side: Side): Proposal {
  return {
    terms: {
      side,
      qty: request.qty ?? absolute(position),
      type: 'market',
      timeInForce: 'gtc',
      postOnly: false,
      reduceOnly: false,
      extendedHours: false,
    },
    origin: closer.origin,
  };
}

async function previewClose(
  line: Line,
  closer: Closer,
  request: CloseRequest,
): Promise<Result<CloseOutcomeView, Refusal>> {
  const outside = await gatherOutside(line, request.account, request.symbol);
  if (!outside.ok) return outside;
  const { instrument } = outside.value;
  return line.store.transaction((): Result<CloseOutcomeView, Refusal> => {
    const position = positionFor(line, closer, request.account, instrument.id);
    if (position.eq('0')) return ok({ dryRun: true, preview: null, wouldCancel: [] });
    const side: Side = position.gt('0') ? 'sell' : 'buy';
    const read = readFacts(line, { agent: closer.agent, account: request.account, side }, outside.value);
    // After its cancels nothing else would be reducing: all of the position is free.
    const facts: Facts = {
      ...read,
      reducible: absolute(read.ownQty),
      accountReducible: absolute(read.accountQty),
    };
    const proposal = closeProposal(closer, request, position, side);
    if (request.qty?.gt(absolute(position))) {
      return err(
        refuse('not_reducing', `Your position in ${instrument.symbol} is ${text(position)}.`, {
          errors: [fieldError('qty', text(request.qty), 'at most the position', text(absolute(position)))],
        }),
      );
    }
    const verdict = assess(facts, proposal);
    if (verdict.kind !== 'cleared') return err(verdict.refusal);
    if (facts.quote === undefined)
      return err(refuse('no_reference_price', `There is no price for ${instrument.symbol} to preview with.`));
    return ok({
      dryRun: true,
      preview: describe({ facts, proposal, verdict, outside: outside.value }),
      wouldCancel: line.orders
        .reductionsOf({ agent: closer.agent, account: request.account, instrument: instrument.id })
        .map((order) => order.orderId),
    });
  });
}
