/** The table of approvals: what waits for the owner, and what was decided, once each. */
import { type Decimal, money, type Price, price, quantity, text } from '#domain/decimal.ts';
import { type AgentId, agentId, type Door, type Principal, type Scope } from '#domain/principal.ts';
import type { Store } from '#store/open.ts';
import type { ApprovalDecision, ApprovalFigures, ApprovalTerms } from './approval-desk.ts';

export interface Approval {
  readonly id: string;
  readonly orderId: string;
  /** Who asked, as it was authorised then: a decision re-enters under it. */
  readonly principal: Principal;
  readonly digest: string;
  readonly referencePrice: Price;
  readonly shown: ApprovalFigures;
  readonly note: string | null;
  readonly requestedAtMs: number;
  readonly expiresAtMs: number;
  readonly decided: Decided | null;
}

export interface Decided extends Ending {
  readonly seq: number;
  readonly atMs: number;
}

/** How an approval ends. */
export interface Ending {
  readonly decision: ApprovalDecision;
  /** The owner's; null: it ended by itself. */
  readonly door: Door | null;
  readonly reason: string | null;
  readonly edited: { readonly asked: ApprovalTerms; readonly approved: ApprovalTerms } | null;
}

export interface ApprovalTable {
  insert(approval: Omit<Approval, 'decided'>): void;
  byId(id: string): Approval | undefined;
  byOrder(orderId: string): Approval | undefined;
  /** Oldest first. */
  waiting(): readonly Approval[];
  countWaiting(agent?: AgentId): number;
  /** Latest decision first. */
  decided(page: { readonly limit: number; readonly beforeSeq?: number }): readonly Approval[];
  /** True for the one that decides it; false when it was decided before. Inside the transaction that acts on it. */
  claim(id: string, ending: Ending, atMs: number): boolean;
  /** Shown anew while it waits. */
  renew(id: string, next: Pick<Approval, 'digest' | 'referencePrice' | 'shown'>): void;
}

interface ApprovalRow {
  readonly id: string;
  readonly order_id: string;
  readonly agent_id: string;
  readonly principal: string;
  readonly digest: string;
  readonly reference_price: string;
  readonly shown: string;
  readonly note: string | null;
  readonly requested_at: number;
  readonly expires_at: number;
  readonly decision: ApprovalDecision | null;
  readonly decided_seq: number | null;
  readonly decided_at: number | null;
  readonly decided_door: Door | null;
  readonly reason: string | null;
  readonly edited: string | null;
}

export function approvalTable({ db }: Store): ApprovalTable {
  const insert = db.prepare(
    `INSERT INTO approvals (id, order_id, agent_id, principal, digest, reference_price, shown, note, requested_at, expires_at)
     VALUES (@id, @order_id, @agent_id, @principal, @digest, @reference_price, @shown, @note, @requested_at, @expires_at)`,
  );
  const byId = db.prepare<[string], ApprovalRow>('SELECT * FROM approvals WHERE id = ?');
  const byOrder = db.prepare<[string], ApprovalRow>('SELECT * FROM approvals WHERE order_id = ?');
  const waiting = db.prepare<[], ApprovalRow>(
    'SELECT * FROM approvals INDEXED BY approvals_waiting WHERE decision IS NULL',
  );
  const count = db
    .prepare<[], number>('SELECT count(*) FROM approvals INDEXED BY approvals_waiting WHERE decision IS NULL')
    .pluck();
  const countOf = db
    .prepare<[string], number>(
      'SELECT count(*) FROM approvals INDEXED BY approvals_waiting WHERE decision IS NULL AND agent_id = ?',
    )
    .pluck();
  const decided = db.prepare<[number, number], ApprovalRow>(
    'SELECT * FROM approvals WHERE decided_seq < ? ORDER BY decided_seq DESC LIMIT ?',
  );
  const claim = db.prepare(
    `UPDATE approvals SET decision = @decision, decided_at = @decided_at, decided_door = @decided_door, reason = @reason,
       edited = @edited, decided_seq = (SELECT coalesce(max(decided_seq), 0) + 1 FROM approvals)
     WHERE id = @id AND decision IS NULL`,
  );
  const renew = db.prepare(
    'UPDATE approvals SET digest = ?, reference_price = ?, shown = ? WHERE id = ? AND decision IS NULL',
  );
  const one = (row: ApprovalRow | undefined): Approval | undefined => (row ? fromRow(row) : undefined);

  return {
    insert: (approval) =>
      void insert.run({
        id: approval.id,
        order_id: approval.orderId,
        agent_id: approval.principal.agent,
        principal: JSON.stringify({ ...approval.principal, scopes: [...approval.principal.scopes] }),
        digest: approval.digest,
        reference_price: text(approval.referencePrice),
        shown: JSON.stringify(approval.shown),
        note: approval.note,
        requested_at: approval.requestedAtMs,
        expires_at: approval.expiresAtMs,
      }),
    byId: (id) => one(byId.get(id)),
    byOrder: (orderId) => one(byOrder.get(orderId)),
    waiting: () => waiting.all().sort(older).map(fromRow),
    countWaiting: (agent) => (agent === undefined ? count.get() : countOf.get(agent)) ?? 0,
    decided: ({ limit, beforeSeq }) => decided.all(beforeSeq ?? Number.MAX_SAFE_INTEGER, limit).map(fromRow),
    claim(id, { decision, door, reason, edited }, atMs) {
      const { changes } = claim.run({
        id,
        decision,
        decided_at: atMs,
        decided_door: door,
        reason,
        edited: edited === null ? null : JSON.stringify(edited),
      });
      return changes === 1;
    },
    renew: (id, { digest, referencePrice, shown }) =>
      void renew.run(digest, text(referencePrice), JSON.stringify(shown), id),
  };
}

const older = (a: ApprovalRow, b: ApprovalRow): number =>
  a.requested_at - b.requested_at || (a.id < b.id ? -1 : 1);

function fromRow(row: ApprovalRow): Approval {
  return {
    id: row.id,
    orderId: row.order_id,
    principal: principalFrom(row.principal),
    digest: row.digest,
    referencePrice: price(row.reference_price),
    shown: figuresFrom(row.shown),
    note: row.note,
    requestedAtMs: row.requested_at,
    expiresAtMs: row.expires_at,
    decided:
      row.decision === null || row.decided_seq === null || row.decided_at === null
        ? null
        : {
            decision: row.decision,
            seq: row.decided_seq,
            atMs: row.decided_at,
            door: row.decided_door,
            reason: row.reason,
            edited: editedFrom(row.edited),
          },
  };
}

/** What JSON makes of a value: decimals write themselves as text. */
type Written<T> = T extends Decimal
  ? string
  : T extends string
    ? T
    : T extends readonly (infer Item)[]
      ? readonly Written<Item>[]
      : T extends object
        ? { readonly [name in keyof T]: Written<T[name]> }
        : T;

function principalFrom(json: string): Principal {
  const stored = JSON.parse(json) as Omit<Principal, 'scopes' | 'agent'> & {
    readonly agent: string;
    readonly scopes: readonly Scope[];
  };
  return { ...stored, agent: agentId(stored.agent), scopes: new Set(stored.scopes) };
}

function figuresFrom(json: string): ApprovalFigures {
  const stored = JSON.parse(json) as Written<ApprovalFigures>;
  const { collar } = stored;
  return {
    ...stored,
    referenceNow: stored.referenceNow === null ? null : price(stored.referenceNow),
    estimatedPrice: price(stored.estimatedPrice),
    value: money(stored.value),
    collar: { ...collar, low: price(collar.low), high: price(collar.high) },
    positionNow: quantity(stored.positionNow),
    positionAfter: quantity(stored.positionAfter),
    account: { ...stored.account, equity: money(stored.account.equity) },
  };
}

function editedFrom(json: string | null): Ending['edited'] {
  if (json === null) return null;
  const stored = JSON.parse(json) as Written<NonNullable<Ending['edited']>>;
  return { asked: termsFrom(stored.asked), approved: termsFrom(stored.approved) };
}

const termsFrom = ({ qty, limitPrice }: Written<ApprovalTerms>): ApprovalTerms => ({
  qty: quantity(qty),
  limitPrice: limitPrice === null ? null : price(limitPrice),
});
