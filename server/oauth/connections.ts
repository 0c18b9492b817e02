/** How far each connection came: every step, counted in memory and written in groups, for who asks why nothing arrives. */
import { networkOf } from '#access/address.ts';
import {
  CONNECTION_ADDRESSES_MAX,
  CONNECTION_JOINED_WITHIN_MS,
  CONNECTION_KEPT_MS,
  CONNECTION_OUTCOME_LENGTH_MAX,
  CONNECTION_REPEATS_DELAY_MS,
  CONNECTION_SAVE_DELAY_MS,
} from '#limits.ts';
import type { Clock } from '#ports.ts';
import { type Store, StoreUnavailable } from '#store/open.ts';
import { ADDRESS_SUBJECT, isAddress, notedSteps } from './noted-steps.ts';
import { type ProgressRow, progressTable } from './progress-table.ts';
import {
  CONNECTION_STEPS,
  type Connection,
  type ConnectionLog,
  type ConnectionStep,
  STEP_DONE,
} from './records.ts';

export interface OpenConnectionLog extends ConnectionLog {
  /** Calls after something new about a connection was written, not for what repeats itself. Returns what ends it. */
  onNews(listener: () => void): () => void;
  /** Writes what was noted, and notes no more. */
  close(): void;
}

/** What a host does from an address of its own, having an id: what came from there before was this client's doing. */
const JOINING: ReadonlySet<ConnectionStep> = new Set(['registration', 'token', 'refresh', 'first_call']);

export function openConnectionLog(o: {
  readonly store: Store;
  readonly clock: Clock;
  readonly wallMs: () => number;
}): OpenConnectionLog {
  const { store, clock, wallMs } = o;
  const table = progressTable(store);
  const noted = notedSteps(clock, (subject) => table.knows(subject));
  const listeners = new Set<() => void>();
  let planned: { readonly isNews: boolean; readonly cancel: () => void } | undefined;
  let closed = false;

  function count(subject: string, step: ConnectionStep, outcome: string): void {
    const counted = noted.count({ subject, step, outcome, atMs: wallMs() });
    if (counted !== 'dropped') plan(counted === 'news');
  }

  /** What is new is written soon, what repeats itself seldom: a host that calls all day costs a row a minute. */
  function plan(isNews: boolean): void {
    if (planned && (planned.isNews || !isNews)) return;
    planned?.cancel();
    const delayMs = isNews ? CONNECTION_SAVE_DELAY_MS : CONNECTION_REPEATS_DELAY_MS;
    planned = { isNews, cancel: clock.after(delayMs, save) };
  }

  function save(): void {
    if (!planned || store.inTransaction()) return;
    const { isNews, cancel } = planned;
    cancel();
    planned = undefined;
    try {
      store.transaction(write);
    } catch (cause) {
      // Nothing that is noted here is worth stopping for: it is written when the disk can.
      if (!(cause instanceof StoreUnavailable)) throw cause;
      plan(false);
      return;
    }
    noted.written();
    if (isNews) for (const call of listeners) call();
  }

  function write(): void {
    const nowMs = wallMs();
    for (const row of noted.rows()) table.add(row);
    for (const join of noted.joins()) table.join({ ...join, sinceMs: nowMs - CONNECTION_JOINED_WITHIN_MS });
    table.trim({ addressesMax: CONNECTION_ADDRESSES_MAX, sinceMs: nowMs - CONNECTION_KEPT_MS });
  }

  /** An id that is nobody's is a stranger's word, and would be a new subject each time. */
  const isClient = (given: string): boolean =>
    !isAddress(given) && (noted.has(given) || table.isClient(given));

  return {
    note(step, { clientId, address: from }, outcome) {
      if (closed) return;
      const address = from === undefined ? undefined : ADDRESS_SUBJECT + networkOf(from);
      const said = outcome.slice(0, CONNECTION_OUTCOME_LENGTH_MAX);
      if (clientId === undefined || !isClient(clientId)) {
        if (address !== undefined) count(address, step, said);
        return;
      }
      count(clientId, step, said);
      if (address === undefined || said !== STEP_DONE || !JOINING.has(step)) return;
      if (!noted.has(address) && !table.knows(address)) return;
      // Beside the client's own, so that the address is seen to have gone on.
      count(address, step, said);
      noted.cameFrom(clientId, address);
    },
    list(limit) {
      save();
      const latest: Connection[] = [];
      for (const subject of table.subjects()) {
        if (latest.length >= limit) break;
        const found = connectionOf(subject, table.of(subject));
        if (found && !hasGoneOn(found)) latest.push(found);
      }
      return latest;
    },
    of(subject) {
      save();
      return connectionOf(subject, table.of(subject));
    },
    onNews(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close() {
      save();
      planned?.cancel();
      closed = true;
    },
  };
}

function connectionOf(subject: string, rows: readonly ProgressRow[]): Connection | undefined {
  if (rows.length === 0) return undefined;
  const steps = rows
    .toSorted((a, b) => CONNECTION_STEPS.indexOf(a.step) - CONNECTION_STEPS.indexOf(b.step))
    .map((row) => ({
      step: row.step,
      firstAtMs: row.first_at,
      lastAtMs: row.last_at,
      times: row.times,
      lastOutcome: row.last_outcome,
    }));
  return { subject, steps, lastAtMs: Math.max(...steps.map(({ lastAtMs }) => lastAtMs)) };
}

/** An address whose last word was that of a client is shown as the client. */
const hasGoneOn = ({ subject, steps, lastAtMs }: Connection): boolean =>
  isAddress(subject) &&
  steps.some((one) => JOINING.has(one.step) && one.lastOutcome === STEP_DONE && one.lastAtMs >= lastAtMs);
