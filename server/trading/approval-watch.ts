/** Approvals that nobody decides end by themselves: looked at every second, by a clock that nobody can set. */
import { APPROVAL_SWEEP_INTERVAL_MS, APPROVAL_TTL_MS } from '#limits.ts';
import { conclude, lapsed, waitingOf } from './approval-ending.ts';
import type { Approval } from './approval-rows.ts';
import type { Line } from './line.ts';

/** After a start: what is left of each one's time by the steady wall clock, which no restart and no setting takes back. */
export function restoreApprovals(line: Line): void {
  const wallMs = line.wallMs();
  const now = line.clock.monotonicMs();
  for (const { id, expiresAtMs } of line.approvals.waiting()) {
    const leftMs = Math.min(Math.max(0, expiresAtMs - wallMs), APPROVAL_TTL_MS);
    line.memory.approvals.set(id, { deadlineMs: now + leftMs });
  }
  sweep(line);
}

/** Looks at once a second; gives what ends the watch. */
export function watchApprovals(line: Line): () => void {
  let stopTimer: () => void = () => undefined;
  function tick(): void {
    unlessItThrows(() => sweep(line));
    stopTimer = line.clock.after(APPROVAL_SWEEP_INTERVAL_MS, tick);
  }
  stopTimer = line.clock.after(APPROVAL_SWEEP_INTERVAL_MS, tick);
  return () => stopTimer();
}

function sweep(line: Line): void {
  for (const approval of line.approvals.waiting()) unlessItThrows(() => endIfLapsed(line, approval));
}

function endIfLapsed(line: Line, approval: Approval): void {
  const end = lapsed(line, approval);
  if (end === undefined) return;
  line.store.transaction(() => {
    const waiting = waitingOf(line, approval.orderId);
    if (waiting) conclude(line, waiting, end);
  });
}

/**
 * A store that is broken for a moment must not end the watch, nor one row keep the others from their end: the next look tries
 * again, and what has lapsed can not be approved meanwhile.
 */
function unlessItThrows(work: () => void): void {
  try {
    work();
  } catch {
    return;
  }
}
