/** Why a whole account may only reduce: a limit of it was reached. A daily loss ends with its day, the rest when the owner lifts it. */
import { type Decimal, text } from '#domain/decimal.ts';
import type { AccountId, Owner } from '#domain/principal.ts';
import type { LimitFigure } from '#domain/refusal.ts';
import type { LimitBooks } from './account-limits.ts';
import { auditActor } from './line.ts';

export type AccountReducingReason = 'max_drawdown' | 'max_daily_loss';

export interface AccountReducing {
  readonly reason: AccountReducingReason;
  /** The mandate day of a daily loss. */
  readonly day: string | null;
  /** As decimals: percent of the peak, or the account's currency. */
  readonly used: string;
  readonly max: string;
  /** Wall clock, epoch ms. */
  readonly sinceMs: number;
}

interface ReducingRow extends Omit<AccountReducing, 'sinceMs'> {
  readonly since: number;
}

/** What keeps the account from adding now. `today` is the mandate day. */
export function accountReducing(
  { prepare }: Pick<LimitBooks, 'prepare'>,
  account: AccountId,
  today: string,
): readonly AccountReducing[] {
  return prepare<[string], ReducingRow>(
    'SELECT reason, day, used, max, since FROM account_reducing WHERE account_id = ?',
  )
    .all(account)
    .filter(({ day }) => day === null || day >= today)
    .map(({ since, ...row }) => ({ ...row, sinceMs: since }));
}

/** What became of the account, for a person: `fell 31.2 % below its highest equity and may fall 30 %`. */
export function reducingInWords({
  reason,
  used,
  max,
}: Pick<AccountReducing, 'reason' | 'used' | 'max'>): string {
  switch (reason) {
    case 'max_drawdown':
      return `fell ${used} % below its highest equity and may fall ${max} %`;
    case 'max_daily_loss':
      return `lost ${used} today and may lose ${max}`;
    default:
      return reason satisfies never;
  }
}

/** With the figures that it was reached with. */
export const reachedFigure = (
  { reason, used, max }: Pick<AccountReducing, 'reason' | 'used' | 'max'>,
  currency: string,
): LimitFigure => ({
  limit: `account_${reason}`,
  used,
  order: '0',
  max,
  unit: reason === 'max_drawdown' ? 'percent' : currency,
});

export interface Breach {
  readonly limit: AccountReducingReason;
  readonly used: Decimal;
  readonly max: Decimal;
  readonly day: string;
}

/** Puts the account into REDUCING, once a limit (and day). Inside a transaction, audited. */
export function noteBreach(books: LimitBooks, account: AccountId, { limit, used, max, day }: Breach): void {
  const ofDay = limit === 'max_daily_loss' ? day : null;
  const figures = { used: text(used), max: text(max) };
  const currency =
    books
      .prepare<[string], { readonly currency: string }>('SELECT currency FROM accounts WHERE id = ?')
      .get(account)?.currency ?? null;
  books
    .prepare(
      `INSERT INTO account_reducing (account_id, reason, day, used, max, since) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET day = excluded.day, used = excluded.used, max = excluded.max, since = excluded.since`,
    )
    .run(account, limit, ofDay, figures.used, figures.max, books.wallMs());
  books.audit.record({
    kind: 'limit.breached',
    account,
    outcome: 'ok',
    detail: {
      limit,
      ...figures,
      ...(ofDay === null ? {} : { day: ofDay, currency }),
      after: 'REDUCING',
    },
  });
}

/**
 * The owner's lift: what had tripped is forgiven, and nothing else. The account is measured anew from what it is worth at the next
 * look, which a gateway that runs takes at once and one that does not takes at its start. Gives what was lifted.
 */
export function liftAccount(
  books: LimitBooks,
  { account, today, by }: { readonly account: AccountId; readonly today: string; readonly by: Owner },
): readonly AccountReducing[] {
  return books.store.transaction(() => {
    const lifted = accountReducing(books, account, today);
    if (lifted.length === 0) return lifted;
    const has = (reason: AccountReducingReason): boolean => lifted.some((row) => row.reason === reason);
    if (has('max_drawdown'))
      books.prepare('UPDATE account_standings SET peak = NULL WHERE account_id = ?').run(account);
    if (has('max_daily_loss'))
      books.prepare('UPDATE account_standings SET day_start = NULL WHERE account_id = ?').run(account);
    endReducing(books, account, { why: 'lifted by the owner', by });
    return lifted;
  });
}

/** Ends whatever there is, inside a transaction; audited when there was something. */
export function endReducing(
  books: LimitBooks,
  account: AccountId,
  { why, by }: { readonly why: string; readonly by?: Owner },
): void {
  const reasons = books
    .prepare<[string], { reason: string }>(
      'DELETE FROM account_reducing WHERE account_id = ? RETURNING reason',
    )
    .all(account)
    .map(({ reason }) => reason);
  if (reasons.length === 0) return;
  books.audit.record({
    kind: 'account.lifted',
    ...auditActor(by),
    account,
    outcome: 'ok',
    detail: { limits: reasons, before: 'REDUCING', why },
  });
}
