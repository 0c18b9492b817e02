/** The state of a market at a moment, by its calendar. */
import type { MarketPhase } from '#ports.ts';
import type { Calendar, Session } from './calendar.ts';

/** Extended hours name the session they surround; `next` is the one to open next. */
export function phaseAt(calendar: Calendar, nowMs: number): MarketPhase {
  const open = calendar.sessionAt(nowMs);
  const extended = open ? undefined : calendar.extendedAt(nowMs);
  const next = calendar.nextSession(open ? open.closeMs : nowMs);
  return {
    nowMs,
    phase: open ? 'open' : extended ? 'extended' : 'closed',
    session: bounds(open ?? extended),
    next: bounds(next),
    tradingDate: (open ?? extended)?.date ?? calendar.tradingDate(nowMs),
  };
}

function bounds(session: Session | undefined): MarketPhase['session'] {
  return session && { date: session.date, openMs: session.openMs, closeMs: session.closeMs };
}
