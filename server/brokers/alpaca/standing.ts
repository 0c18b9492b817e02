/** How an account stands with Alpaca: connected or not, and what is amiss, in one sentence for its owner. */
import { printable } from '#domain/refusal.ts';
import type { BrokerHealth, Clock } from '#ports.ts';
import type { AccountReads } from './account.ts';
import { CHECK_AGAIN_MS, CHECK_EVERY_MS, CLOCK_SKEW_MAX_MS } from './bounds.ts';
import type { AccountPayload } from './wire.ts';

export interface StandingOptions {
  readonly clock: Clock;
  readonly currency: string;
  readonly reads: Pick<AccountReads, 'account' | 'venueNowMs'>;
  readonly onChange: (connected: boolean, detail: string) => void;
  /** Alpaca's clock, the first time that it was read. */
  readonly onFirst: (venueNowMs: number) => void;
}

export interface Standing {
  key(isGood: boolean): void;
  listening(listening: boolean, why: string): void;
  throttled(waitMs: number): void;
  unlisted(symbol: string): void;
  prices(why: string | null): void;
  /** Something was told that could not be understood: the account has to be compared with its broker. */
  doubt(): void;
  connected(): boolean;
  /** Why nothing can be sent now, or undefined. */
  away(): string | undefined;
  mayShort(): boolean;
  health(): BrokerHealth;
  close(): void;
}

const UNLISTED_TOLD_MAX = 5;

export function openStanding({ clock, currency, reads, onChange, onFirst }: StandingOptions): Standing {
  let keyIsGood = true;
  let listens: string | true = 'The stream of orders is not open yet.';
  let seen: Seen | undefined;
  let throttledUntilMs = Number.NEGATIVE_INFINITY;
  let priceTrouble: string | null = null;
  const unlisted = new Set<string>();
  let was = false;
  let closed = false;
  const checks = openChecks(clock, reads, (now) => {
    seen = now;
    onFirst(now.venueNowMs);
    tell();
  });

  function away(): string | undefined {
    if (closed) return 'The account is closed.';
    if (!keyIsGood) return 'Alpaca refuses the key: it was revoked, or is for another account.';
    if (listens !== true) return listens;
    if (seen === undefined) return 'Alpaca has not said yet how the account stands.';
    if (seen.account.currency !== currency)
      return `The account is held in ${printable(seen.account.currency)}.`;
    return undefined;
  }
  function tell(): void {
    const why = away();
    if (closed || was === (why === undefined)) return;
    was = why === undefined;
    onChange(was, why ?? 'Alpaca is connected.');
  }
  function amiss(): string | null {
    const skewMs = seen?.skewMs ?? 0;
    if (clock.monotonicMs() < throttledUntilMs) return 'Alpaca asked to wait: too many requests were made.';
    if (Math.abs(skewMs) > CLOCK_SKEW_MAX_MS) return skewed(skewMs);
    if (priceTrouble !== null) return priceTrouble;
    return unlisted.size === 0
      ? null
      : `The account has orders or positions in what is not listed here: ${[...unlisted].join(', ')}.`;
  }

  return {
    key(isGood) {
      if (keyIsGood === isGood) return;
      keyIsGood = isGood;
      tell();
    },
    listening(listening, why) {
      listens = listening || why;
      tell();
      if (listening) checks.now();
    },
    throttled(waitMs) {
      throttledUntilMs = clock.monotonicMs() + waitMs;
    },
    unlisted(symbol) {
      if (unlisted.size < UNLISTED_TOLD_MAX) unlisted.add(symbol === '' ? 'several legs' : printable(symbol));
    },
    prices(why) {
      priceTrouble = why;
    },
    doubt() {
      if (was && !closed)
        onChange(true, 'Alpaca told of an order in words that could not be read; it is asked.');
    },
    connected: () => away() === undefined,
    away,
    mayShort: () => seen !== undefined && seen.account.shorting_enabled && seen.account.multiplier !== '1',
    health() {
      const why = away();
      return {
        connected: why === undefined,
        trouble: why ?? blockOf(seen?.account) ?? amiss(),
        signInNeeded: false,
        sessionEndsAtMs: null,
      };
    },
    close() {
      closed = true;
      checks.close();
    },
  };
}

/** The account and the two clocks, as last read. */
interface Seen {
  readonly account: AccountPayload;
  readonly venueNowMs: number;
  readonly skewMs: number;
}

/** Looks at the account now and then. Nothing waits for it: a look that fails is made again soon. */
function openChecks(
  clock: Clock,
  reads: StandingOptions['reads'],
  onSeen: (seen: Seen) => void,
): { now(): void; close(): void } {
  let stopTimer: (() => void) | undefined;
  let looking = false;
  let closed = false;

  async function look(): Promise<Seen | undefined> {
    try {
      const account = await reads.account();
      const askedMs = clock.wallMs();
      const venueNowMs = await reads.venueNowMs();
      return { account, venueNowMs, skewMs: venueNowMs - (askedMs + clock.wallMs()) / 2 };
    } catch {
      return undefined;
    }
  }
  async function check(): Promise<void> {
    if (looking || closed) return;
    looking = true;
    stopTimer?.();
    const seen = await look();
    looking = false;
    if (closed) return;
    stopTimer = clock.after(seen === undefined ? CHECK_AGAIN_MS : CHECK_EVERY_MS, () => void check());
    if (seen !== undefined) onSeen(seen);
  }
  return {
    now: () => void check(),
    close() {
      closed = true;
      stopTimer?.();
    },
  };
}

const skewed = (ms: number): string =>
  `The clock of this machine is ${Math.round(Math.abs(ms) / 1_000)} s ${ms > 0 ? 'behind' : 'ahead of'} Alpaca’s.`;

function blockOf(account: AccountPayload | undefined): string | undefined {
  if (account === undefined) return undefined;
  if (account.account_blocked) return 'Alpaca has blocked the account.';
  if (account.trading_blocked) return 'Alpaca has blocked trading in the account.';
  if (account.trade_suspended_by_user) return 'Trading is suspended in the account’s settings at Alpaca.';
  return account.status === 'ACTIVE' ? undefined : `Alpaca calls the account ${printable(account.status)}.`;
}
