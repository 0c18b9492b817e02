/** A calendar over a finite, sorted list of sessions: exchanges with holidays, and tapes. */
import { dateOf, dayOf, zoneClock } from './calendar-time.ts';

/** One trading day. Times are epoch milliseconds; the open belongs to the session, the close does not. */
export interface Session {
  /** YYYY-MM-DD in the venue's zone: the trading day, which for FX is the day on which the session ends. */
  readonly date: string;
  readonly openMs: number;
  readonly closeMs: number;
  /** Where extended hours begin; absent when the venue has none before the open. */
  readonly preOpenMs?: number;
  /** Where extended hours end; absent when the venue has none after the close. */
  readonly postCloseMs?: number;
  readonly earlyClose: boolean;
}

/** When a venue trades. Pure: the same moment always has the same answer. */
export interface Calendar {
  readonly id: string;
  /** IANA name. */
  readonly timezone: string;
  /** The dates that the calendar knows, both included; outside there are no sessions. Absent when it has no end. */
  readonly range?: { readonly first: string; readonly last: string };
  /** The session that contains `atMs` (open <= at < close), or undefined when closed. */
  sessionAt(atMs: number): Session | undefined;
  /** The session whose extended hours contain `atMs`, before its open or after its close; never in regular hours. */
  extendedAt(atMs: number): Session | undefined;
  /** The first session whose close is after `atMs`: the running one, or else the next to open. */
  nextSession(atMs: number): Session | undefined;
  /** Throws RangeError when `date` is not a date. */
  sessionOn(date: string): Session | undefined;
  /**
   * The trading day that `atMs` counts to, for a day's profit and loss: that of the last session begun at or before
   * `atMs`, where a session begins with its pre-market if it has one. Nights, weekends and holidays therefore belong
   * to the session before them. Outside `range`, and before the first session, it is the date on the venue's clock.
   */
  tradingDate(atMs: number): string;
}

interface ListedSessions {
  readonly id: string;
  readonly timezone: string;
  readonly range: { readonly first: string; readonly last: string };
  /** Ascending, without overlap, extended hours included; throws RangeError otherwise. */
  readonly sessions: readonly Session[];
}

/** Every answer is a binary search in the list; only a date outside it asks Intl. */
export function listedCalendar({ id, timezone, range, sessions }: ListedSessions): Calendar {
  requireOrder(sessions);
  const begins = Float64Array.from(sessions, beginMs);
  const byDate = new Map(sessions.map((session) => [session.date, session]));

  return {
    id,
    timezone,
    range,
    sessionAt(atMs) {
      const session = sessions[lastBegun(begins, atMs)];
      return session && session.openMs <= atMs && atMs < session.closeMs ? session : undefined;
    },
    extendedAt(atMs) {
      const session = sessions[lastBegun(begins, atMs)];
      if (!session || atMs >= endMs(session)) return undefined;
      return atMs < session.openMs || atMs >= session.closeMs ? session : undefined;
    },
    nextSession(atMs) {
      const index = lastBegun(begins, atMs);
      const session = sessions[index];
      return session && atMs < session.closeMs ? session : sessions[index + 1];
    },
    sessionOn(date) {
      dayOf(date);
      return byDate.get(date);
    },
    tradingDate(atMs) {
      const index = lastBegun(begins, atMs);
      const session = sessions[index];
      if (session && index < sessions.length - 1) return session.date;
      const clockDate = dateOf(zoneClock(timezone, atMs).day);
      return session && clockDate <= range.last ? session.date : clockDate;
    },
  };
}

const beginMs = (session: Session): number => session.preOpenMs ?? session.openMs;
const endMs = (session: Session): number => session.postCloseMs ?? session.closeMs;

/** The index of the last session begun at or before `atMs`; -1 when none has. */
function lastBegun(begins: Float64Array, atMs: number): number {
  if (Number.isNaN(atMs)) throw new RangeError('not a time: NaN');
  let low = 0;
  let high = begins.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((begins[middle] ?? Number.POSITIVE_INFINITY) <= atMs) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function requireOrder(sessions: readonly Session[]): void {
  let previous: Session | undefined;
  for (const session of sessions) {
    const inOrder =
      beginMs(session) <= session.openMs &&
      session.openMs < session.closeMs &&
      session.closeMs <= endMs(session);
    if (!inOrder) throw new RangeError(`session ${session.date} ends before it begins`);
    if (previous && (previous.date >= session.date || endMs(previous) > beginMs(session))) {
      throw new RangeError(`sessions ${previous.date} and ${session.date} overlap or are out of order`);
    }
    previous = session;
  }
}
