/** What an account is measured from: its highest equity and where its day began, kept so that no restart forgets either. */
import {
  add,
  type Money,
  max,
  money,
  percentUp,
  type Ratio,
  ratio,
  subtract,
  text,
} from '#domain/decimal.ts';
import type { AccountId } from '#domain/principal.ts';
import { startOf } from './account-start.ts';
import { ACCOUNT_HOLDER } from './holdings.ts';
import { isLedgerEmpty } from './ledger.ts';
import type { Line } from './line.ts';
import { markOf } from './loss.ts';
import { standing } from './pnl.ts';

/** Where an account stands now against what it is measured from. */
export interface AccountStanding {
  readonly equity: Money;
  /** The highest equity since the account, or the last lift of its breaker, began. */
  readonly peak: Money;
  /** Of all holders together since the mandate day began, positive when the account lost. */
  readonly loss: Money;
  /** How far equity is below the peak, rounded up. */
  readonly drawdownPercent: Ratio;
}

interface StandingRow {
  readonly peak: string | null;
  readonly day: string;
  readonly day_start: string | null;
  readonly seen: string;
}

const rowOf = (line: Line, account: AccountId): StandingRow | undefined =>
  line
    .prepare<[string], StandingRow>(
      'SELECT peak, day, day_start, seen FROM account_standings WHERE account_id = ?',
    )
    .get(account);

/** Reads, and writes nothing: before the day's first look it is measured from what was written down last. */
export function accountStanding(line: Line, account: AccountId): AccountStanding {
  const { equity } = standing(line, account);
  const row = rowOf(line, account);
  const day = line.access.mandateDay(line.wallMs());
  const peak = row === undefined ? highestKnown(line, account) : row.peak === null ? equity : money(row.peak);
  const dayStart = row?.day === day ? row.day_start : row?.seen;
  const loss = dayStart === null || dayStart === undefined ? money('0') : subtract(money(dayStart), equity);
  return {
    equity,
    peak,
    loss: loss.gt('0') ? loss : money('0'),
    drawdownPercent: drawdownPercent(equity, peak),
  };
}

function drawdownPercent(equity: Money, peak: Money): Ratio {
  if (equity.gte(peak)) return ratio('0');
  // Who never had anything and owes something has lost all of it.
  return peak.lte('0') ? ratio('100') : percentUp(subtract(peak, equity), peak);
}

/** Of an account that nobody has looked at yet: what it began with, or the best end of a day since. */
function highestKnown(line: Line, account: AccountId): Money {
  const start = startOf(line, account);
  const days = line
    .prepare<[string, number, number, string], string>(
      'SELECT equity FROM pnl_days WHERE account_id = ? AND (run > ? OR (run = ? AND date >= ?))',
    )
    .pluck()
    .all(account, start.run, start.run, start.date);
  return days.map(money).reduce((highest, equity) => max(highest, equity), start.equity);
}

export interface Look {
  /** Equity at this process's look before; undefined: it has not looked yet. */
  readonly before: Money | undefined;
  /** Writes down where the account stands although nothing else has changed. */
  readonly save: boolean;
}

/**
 * Writes down a new peak, a new day, and what was lifted, when there is something to write. A day starts where the last look before it
 * left the account, this process's or the one written down: what is lost while nobody looks is lost on the day that finds it.
 */
export function noteStanding(line: Line, account: AccountId, look: Look): void {
  // Before its deposit is posted an account has no equity to be measured from.
  if (isLedgerEmpty(line, account)) return;
  const row = rowOf(line, account);
  const day = line.access.mandateDay(line.wallMs());
  const { equity } = standing(line, account);
  const after: Standing = {
    peak: peakAfter(line, account, { row, equity }),
    day,
    dayStart: dayStartAfter({ row, day, equity, before: look.before }),
    seen: text(equity),
  };
  const same =
    row !== undefined && row.peak === after.peak && row.day === day && row.day_start === after.dayStart;
  if (same && (!look.save || row.seen === after.seen)) return;
  line.store.transaction(() => {
    write(line, account, after);
    saveMarks(line, account);
  });
}

/** Only a market that is there makes a new peak: a mark that was saved long ago would make one that never was. */
function peakAfter(
  line: Line,
  account: AccountId,
  { row, equity }: { readonly row: StandingRow | undefined; readonly equity: Money },
): string {
  if (row?.peak === null) return text(equity);
  const known = row === undefined ? highestKnown(line, account) : money(row.peak);
  return text(isMarked(line, account) ? max(known, equity) : known);
}

function dayStartAfter(o: {
  readonly row: StandingRow | undefined;
  readonly day: string;
  readonly equity: Money;
  readonly before: Money | undefined;
}): string {
  const { row, day, equity, before } = o;
  if (row === undefined) return text(equity);
  if (row.day === day) return row.day_start ?? text(equity);
  return before === undefined ? row.seen : text(before);
}

interface Standing {
  readonly peak: string | null;
  readonly day: string;
  readonly dayStart: string | null;
  readonly seen: string;
}

function write(line: Line, account: AccountId, { peak, day, dayStart, seen }: Standing): void {
  line
    .prepare(
      `INSERT INTO account_standings (account_id, peak, day, day_start, seen) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET peak = excluded.peak, day = excluded.day, day_start = excluded.day_start,
         seen = excluded.seen`,
    )
    .run(account, peak, day, dayStart, seen);
}

const held = (line: Line, account: AccountId) =>
  line.holdings.byHolder(ACCOUNT_HOLDER, account).filter(({ qty }) => !qty.eq('0'));

const isMarked = (line: Line, account: AccountId): boolean =>
  held(line, account).every((holding) => markOf(line, holding) !== undefined);

/** A start without quotes values the account at these. */
function saveMarks(line: Line, account: AccountId): void {
  for (const holding of held(line, account)) {
    const mark = markOf(line, holding);
    if (mark !== undefined) line.holdings.saveMark(holding, mark);
  }
}

/** What came or went without a trade moves what the account is measured from by as much. Inside the transaction that posts it. */
export function moveStanding(line: Line, account: AccountId, by: Money): void {
  const row = rowOf(line, account);
  if (row === undefined) return;
  const moved = (figure: string | null): string | null =>
    figure === null ? null : text(add(money(figure), by));
  const { peak, day, day_start, seen } = row;
  write(line, account, {
    peak: moved(peak),
    day,
    dayStart: moved(day_start),
    seen: text(add(money(seen), by)),
  });
}

/** The account began anew: it is measured from what it has now. Inside the transaction that posts it. */
export function beginStanding(line: Line, account: AccountId): void {
  const equity = text(standing(line, account).equity);
  const day = line.access.mandateDay(line.wallMs());
  write(line, account, { peak: equity, day, dayStart: equity, seen: equity });
}
