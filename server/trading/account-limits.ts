/** Limits of a whole account, over those of its agents: what is in force, how the owner changes it, and how an order stands against it. */
import { isDecimalText, type Money, money, type Ratio, ratio, text } from '#domain/decimal.ts';
import type { InstrumentId } from '#domain/instrument.ts';
import type { AccountId, Owner } from '#domain/principal.ts';
import { type FieldError, fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { ACCOUNT_DRAWDOWN_PERCENT, ACCOUNT_POSITIONS_MAX } from '#limits.ts';
import { accountStanding } from './account-standing.ts';
import { auditActor, type Line } from './line.ts';
import { WORKING } from './order-rows.ts';

/** What the limits are kept in: the order line has it, and so have the owner's commands while no engine runs. */
export type LimitBooks = Pick<Line, 'store' | 'audit' | 'wallMs' | 'prepare'>;

/** null: no such limit. */
export interface AccountLimits {
  /** How far equity may fall below its highest, in percent. */
  readonly maxDrawdownPercent: Ratio | null;
  /** In how many instruments somebody may hold something or have an adding order at work. */
  readonly maxPositions: number | null;
  /** What all holders together may lose in a mandate day, in the account's currency. */
  readonly maxDailyLoss: Money | null;
}

const STANDARD_ACCOUNT_LIMITS: AccountLimits = {
  maxDrawdownPercent: ratio(ACCOUNT_DRAWDOWN_PERCENT),
  maxPositions: null,
  maxDailyLoss: null,
};

/** How the account stands for one order; a control refuses what would go over. */
export interface AccountRisk {
  readonly accountLimits: AccountLimits;
  /** Of all holders together since the mandate day began, positive when the account lost. */
  readonly accountLoss: Money;
  /** How far equity is below its highest, rounded up. */
  readonly accountDrawdownPercent: Ratio;
  /** Instruments in which somebody holds something or has another adding order at work; 0 while no limit asks for it. */
  readonly positionsOpen: number;
  /** The order's instrument is none of them. */
  readonly opensPosition: boolean;
}

/** `except`: the order itself, when it is one that works already; without an instrument no order is asked for. Reads alone. */
export function readAccountRisk(
  line: Line,
  account: AccountId,
  { instrument, except }: { readonly instrument?: InstrumentId; readonly except?: string | undefined },
): AccountRisk {
  const accountLimits = accountLimitsOf(line, account);
  const { loss, drawdownPercent } = accountStanding(line, account);
  const open =
    accountLimits.maxPositions === null
      ? new Set<string>()
      : new Set([...heldIn(line, account), ...workedIn(line, account, except)]);
  return {
    accountLimits,
    accountLoss: loss,
    accountDrawdownPercent: drawdownPercent,
    positionsOpen: open.size,
    opensPosition: instrument !== undefined && !open.has(instrument),
  };
}

/** Instruments in which somebody holds something, agents that hold against each other included. */
export const heldIn = (line: Line, account: AccountId): ReadonlySet<InstrumentId> =>
  new Set(
    line.holdings
      .ofEverybody(account)
      .filter(({ qty }) => !qty.eq('0'))
      .map((holding) => holding.instrument),
  );

/** What waits for the owner takes no place from anybody: it is assessed again before it is sent. */
const workedIn = (line: Line, account: AccountId, except = ''): readonly string[] =>
  line
    .prepare<[string, string], string>(
      `SELECT instrument_id FROM orders INDEXED BY orders_working
       WHERE ${WORKING} AND account_id = ? AND effect = 'adding' AND status <> 'pending_approval' AND order_id <> ?`,
    )
    .pluck()
    .all(account, except);

interface LimitsRow {
  readonly max_drawdown_percent: string | null;
  readonly max_positions: number | null;
  readonly max_daily_loss: string | null;
}

export function accountLimitsOf({ prepare }: Pick<LimitBooks, 'prepare'>, account: AccountId): AccountLimits {
  const row = prepare<[string], LimitsRow>(
    'SELECT max_drawdown_percent, max_positions, max_daily_loss FROM account_limits WHERE account_id = ?',
  ).get(account);
  if (row === undefined) return STANDARD_ACCOUNT_LIMITS;
  return {
    maxDrawdownPercent: row.max_drawdown_percent === null ? null : ratio(row.max_drawdown_percent),
    maxPositions: row.max_positions,
    maxDailyLoss: row.max_daily_loss === null ? null : money(row.max_daily_loss),
  };
}

/** Limits as the owner writes them: a number, or `off`; what is absent stays as it is. */
export interface LimitTexts {
  readonly max_drawdown?: string | undefined;
  readonly max_positions?: string | undefined;
  readonly max_daily_loss?: string | undefined;
}

/** The limits that would be in force with these; every field that can not be read is named. */
export function limitsWith(before: AccountLimits, texts: LimitTexts): Result<AccountLimits, Refusal> {
  const errors: FieldError[] = [];
  function read<T>(name: keyof LimitTexts, known: T | null, parse: (given: string) => T | string): T | null {
    const given = texts[name]?.trim().toLowerCase();
    if (given === undefined) return known;
    if (given === 'off') return null;
    const parsed = parse(given);
    if (typeof parsed !== 'string') return parsed;
    errors.push(fieldError(name, given, parsed));
    return known;
  }
  const after = {
    maxDrawdownPercent: read('max_drawdown', before.maxDrawdownPercent, (given) =>
      /^\d{1,3}(?:\.\d{1,2})?$/.test(given) &&
      isDecimalText(given) &&
      ratio(given).gt('0') &&
      ratio(given).lte('100')
        ? ratio(given)
        : 'is a percentage above 0 and at most 100 with two decimals at most, or off',
    ),
    maxPositions: read('max_positions', before.maxPositions, (given) =>
      /^(?:0|[1-9]\d{0,4})$/.test(given) && Number(given) <= ACCOUNT_POSITIONS_MAX
        ? Number(given)
        : `is a whole number from 0 to ${ACCOUNT_POSITIONS_MAX}, or off`,
    ),
    maxDailyLoss: read('max_daily_loss', before.maxDailyLoss, (given) =>
      isDecimalText(given) && money(given).gte('0') ? money(given) : 'is an amount of at least 0, or off',
    ),
  };
  return errors.length === 0
    ? ok(after)
    : err(refuse('invalid_input', 'The limits were not changed; see their fields.', { errors }));
}

const isLooser = <T>(before: T | null, after: T | null, isMore: (after: T, before: T) => boolean): boolean =>
  before !== null && (after === null || isMore(after, before));

/** Whether any one of them admits more than before. */
export const loosens = (before: AccountLimits, after: AccountLimits): boolean =>
  isLooser(before.maxDrawdownPercent, after.maxDrawdownPercent, (a, b) => a.gt(b)) ||
  isLooser(before.maxPositions, after.maxPositions, (a, b) => a > b) ||
  isLooser(before.maxDailyLoss, after.maxDailyLoss, (a, b) => a.gt(b));

const same = (a: Ratio | Money | null, b: Ratio | Money | null): boolean =>
  a === null || b === null ? a === b : a.eq(b);

/** As texts, for the record, a form and a program. */
export const limitTexts = (limits: AccountLimits) => ({
  max_drawdown_percent: limits.maxDrawdownPercent === null ? null : text(limits.maxDrawdownPercent),
  max_positions: limits.maxPositions,
  max_daily_loss: limits.maxDailyLoss === null ? null : text(limits.maxDailyLoss),
});

export interface LimitsChange {
  readonly account: AccountId;
  readonly to: LimitTexts;
  readonly by: Owner;
}

/** Changes what is named and says whether anything was. The account must be one; who asks for what is looser must have proved who they are. */
export function changeAccountLimits(
  books: LimitBooks,
  { account, to, by }: LimitsChange,
): Result<{ readonly limits: AccountLimits; readonly changed: boolean }, Refusal> {
  return books.store.transaction(() => {
    const before = accountLimitsOf(books, account);
    const read = limitsWith(before, to);
    if (!read.ok) return read;
    const after = read.value;
    const unchanged =
      same(before.maxDrawdownPercent, after.maxDrawdownPercent) &&
      before.maxPositions === after.maxPositions &&
      same(before.maxDailyLoss, after.maxDailyLoss);
    if (unchanged) return ok({ limits: after, changed: false });
    const texts = limitTexts(after);
    books
      .prepare(
        `INSERT INTO account_limits (account_id, max_drawdown_percent, max_positions, max_daily_loss, updated_at)
         VALUES (?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET max_drawdown_percent = excluded.max_drawdown_percent,
           max_positions = excluded.max_positions, max_daily_loss = excluded.max_daily_loss, updated_at = excluded.updated_at`,
      )
      .run(account, texts.max_drawdown_percent, texts.max_positions, texts.max_daily_loss, books.wallMs());
    books.audit.record({
      kind: 'account.limits_set',
      ...auditActor(by),
      account,
      outcome: 'ok',
      detail: { before: limitTexts(before), after: texts, looser: loosens(before, after) },
    });
    return ok({ limits: after, changed: true });
  });
}
