/** Watches every account's limits, once a second and after every fill: a breach lets nothing be added, and takes back what would. */
import { type Money, ratio, roundUpTo, text } from '#domain/decimal.ts';
import type { AccountId } from '#domain/principal.ts';
import { LOSS_CHECK_INTERVAL_MS, MARK_SAVE_INTERVAL_MS } from '#limits.ts';
import { StoreUnavailable } from '#store/open.ts';
import { type AccountLimits, accountLimitsOf } from './account-limits.ts';
import { type AccountStanding, accountStanding, noteStanding } from './account-standing.ts';
import { accountReducing, type Breach, noteBreach, reducingInWords } from './account-state.ts';
import { cancelAddingIn } from './cancel-adding.ts';
import type { Line } from './line.ts';

export interface AccountWatch {
  /** Looks at one account at once (a fill, a change of its limits, a lift), or at all. */
  check(account?: AccountId): void;
  stop(): void;
}

interface Looked {
  readonly equity: Money;
  /** Monotonic time at which it was last written down. */
  readonly savedAtMs: number;
}

export function watchAccounts(line: Line): AccountWatch {
  const looked = new Map<AccountId, Looked>();

  function look(account: AccountId): void {
    const before = looked.get(account);
    const now = line.clock.monotonicMs();
    const save = before === undefined || now - before.savedAtMs >= MARK_SAVE_INTERVAL_MS;
    evenIfBroken(() => noteStanding(line, account, { before: before?.equity, save }));
    const standing = accountStanding(line, account);
    actOn(line, account, standing);
    looked.set(account, { equity: standing.equity, savedAtMs: save ? now : before.savedAtMs });
  }

  function check(only?: AccountId): void {
    for (const account of only === undefined ? line.adapters.keys() : [only]) {
      try {
        look(account);
      } catch {
        // What is wrong with one account must not end the watch of another; the next second looks again.
      }
    }
  }

  let stopTimer = line.clock.after(LOSS_CHECK_INTERVAL_MS, tick);
  function tick(): void {
    check();
    stopTimer = line.clock.after(LOSS_CHECK_INTERVAL_MS, tick);
  }
  return { check, stop: () => stopTimer() };
}

/** A breach is put down once; its orders are taken back again and again, because one that was under way may be acknowledged later. */
function actOn(line: Line, account: AccountId, standing: AccountStanding): void {
  const day = line.access.mandateDay(line.wallMs());
  const breaches = breachesOf(accountLimitsOf(line, account), standing, day);
  const known = accountReducing(line, account, day);
  const fresh = breaches.filter(({ limit }) => !known.some(({ reason }) => reason === limit));
  if (fresh.length > 0)
    evenIfBroken(() =>
      line.store.transaction(() => {
        for (const breach of fresh) noteBreach(line, account, breach);
      }),
    );
  // A kill has its own sweep.
  const [reached] = [...known, ...breaches.map(inTexts)];
  if (reached === undefined || line.access.gatewayState() === 'HALTED') return;
  cancelAddingIn(line, account, { why: `canceled: the account ${account} ${reducingInWords(reached)}` });
}

const inTexts = ({ limit, used, max }: Breach) => ({ reason: limit, used: text(used), max: text(max) });

/** Losing nothing is no breach of a limit of nothing. */
function breachesOf(
  { maxDrawdownPercent, maxDailyLoss }: AccountLimits,
  { drawdownPercent, loss }: AccountStanding,
  day: string,
): readonly Breach[] {
  const breaches: Breach[] = [];
  if (maxDrawdownPercent !== null && drawdownPercent.gte(maxDrawdownPercent)) {
    const used = roundUpTo(drawdownPercent, ratio('0.01'));
    breaches.push({ limit: 'max_drawdown', used, max: maxDrawdownPercent, day });
  }
  if (maxDailyLoss !== null && loss.gt('0') && loss.gte(maxDailyLoss))
    breaches.push({ limit: 'max_daily_loss', used: loss, max: maxDailyLoss, day });
  return breaches;
}

/** Orders are taken back even when it can not be written down why. */
function evenIfBroken(write: () => void): void {
  try {
    write();
  } catch (cause) {
    if (!(cause instanceof StoreUnavailable)) throw cause;
  }
}
