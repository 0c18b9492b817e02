/** Which quotes have changed since somebody last looked, and waiting until one does: one number an instrument, whoever asks. */
import { randomBytes } from 'node:crypto';
import type { Access } from '#access/access.ts';
import type { InstrumentId } from '#domain/instrument.ts';
import type { AgentId, Principal } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { WATCH_GATHER_MS, WATCHED_INSTRUMENTS_MAX, WATCHES_MAX, WATCHES_PER_AGENT_MAX } from '#limits.ts';
import type { Clock } from '#ports.ts';
import { type ChangeFeed, topic } from './change-feed.ts';

/** A place among the changes of quotes, as this process counts them. */
export interface WatchPlace {
  /** Names the process that counted: a number of another one's says nothing here. */
  readonly source: string;
  readonly at: number;
}

export interface MarketWatch {
  /** Behind every change that was heard; from the first call on they are counted. */
  now(): WatchPlace;
  /** Those that have changed since; undefined where the place is none of this process. */
  changedSince(place: WatchPlace, ids: readonly InstrumentId[]): readonly InstrumentId[] | undefined;
  /**
   * Resolves soon after one of them has changed, when the time is over, and at once when the caller's credential has ended or the
   * gateway closes. Refused when too many wait.
   */
  wait(who: Principal, ids: readonly InstrumentId[], waitMs: number): Promise<Result<undefined, Refusal>>;
  /** Nobody waits any more, or again. */
  close(): void;
}

export interface MarketWatchSources {
  readonly changes: ChangeFeed;
  readonly clock: Clock;
  readonly access: Pick<Access, 'stillLive'>;
}

interface Waiter {
  readonly who: Principal;
  readonly topics: readonly string[];
  /** Something of its own has changed. */
  stir(): void;
  end(): void;
}

export function openMarketWatch({ changes, clock, access }: MarketWatchSources): MarketWatch {
  const source = randomBytes(6).toString('base64url');
  /** By topic, the longest unchanged first. */
  const changedAt = new Map<string, number>();
  let at = 0;
  /** What is not among them may have changed up to here. */
  let forgottenAt = 0;
  const waiting = new Set<Waiter>();
  const byTopic = new Map<string, Set<Waiter>>();
  let stop: (() => void) | undefined;
  let closed = false;

  function onChange(topics: readonly string[]): void {
    for (const name of topics) {
      if (name === topic.credentials) endDead();
      if (!isQuote(name)) continue;
      at += 1;
      changedAt.delete(name);
      changedAt.set(name, at);
      for (const waiter of byTopic.get(name) ?? []) waiter.stir();
    }
    for (const [oldest, when] of changedAt) {
      if (changedAt.size <= WATCHED_INSTRUMENTS_MAX) break;
      changedAt.delete(oldest);
      forgottenAt = when;
    }
  }
  function endDead(): void {
    for (const waiter of Array.from(waiting)) if (!access.stillLive(waiter.who).ok) waiter.end();
  }
  const waitingOf = (agent: AgentId): number =>
    Array.from(waiting).filter(({ who }) => who.agent === agent).length;

  function join(waiter: Waiter): void {
    waiting.add(waiter);
    for (const name of waiter.topics) byTopic.set(name, (byTopic.get(name) ?? new Set()).add(waiter));
  }
  function leave(waiter: Waiter): void {
    waiting.delete(waiter);
    for (const name of waiter.topics) {
      const waiters = byTopic.get(name);
      waiters?.delete(waiter);
      if (waiters?.size === 0) byTopic.delete(name);
    }
  }

  return {
    now() {
      if (!closed) stop ??= changes.onChange(onChange);
      return { source, at };
    },
    changedSince(place, ids) {
      if (place.source !== source || place.at > at) return undefined;
      return ids.filter((id) => (changedAt.get(topic.quote(id)) ?? forgottenAt) > place.at);
    },
    async wait(who, ids, waitMs) {
      if (closed) return ok(undefined);
      if (waiting.size >= WATCHES_MAX || waitingOf(who.agent) >= WATCHES_PER_AGENT_MAX) return err(tooMany());
      const { promise, resolve } = Promise.withResolvers<undefined>();
      const untilMs = clock.monotonicMs() + waitMs;
      const end = (): void => {
        cancel();
        leave(waiter);
        resolve(undefined);
      };
      let cancel = clock.after(waitMs, end);
      let stirred = false;
      const waiter: Waiter = {
        who,
        topics: ids.map(topic.quote),
        end,
        stir() {
          if (stirred) return;
          stirred = true;
          cancel();
          cancel = clock.after(Math.max(0, Math.min(WATCH_GATHER_MS, untilMs - clock.monotonicMs())), end);
        },
      };
      join(waiter);
      return ok(await promise);
    },
    close() {
      closed = true;
      stop?.();
      for (const waiter of Array.from(waiting)) waiter.end();
    },
  };
}

const QUOTES = topic.quote('');
const isQuote = (name: string): boolean => name.startsWith(QUOTES);

const tooMany = (): Refusal =>
  refuse(
    'rate_limited',
    `At most ${WATCHES_PER_AGENT_MAX} calls of an agent may wait for quotes at once; watch more symbols in one call, or wait for an answer first.`,
    { retry_after: 1 },
  );
