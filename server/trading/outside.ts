/** What has to be asked outside before the transaction: the instrument, the adapter, a fresh quote, the broker's balance, each in its time. */
import type { Money, Quantity } from '#domain/decimal.ts';
import type { Instrument, InstrumentId } from '#domain/instrument.ts';
import type { AccountId } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { BROKER_CALL_TIMEOUT_MS, QUOTE_WAIT_MS } from '#limits.ts';
import type { BrokerAdapter, BrokerBalance, BrokerMargin } from '#ports.ts';
import { type Funds, fundsOf, isTrue } from './funds.ts';
import { feedOf, type Line, resolveFor } from './line.ts';
import { notConnected } from './ready.ts';

/** What has to be asked before the transaction. */
export interface Outside {
  readonly instrument: Instrument;
  readonly adapter: BrokerAdapter;
  readonly balance: BrokerBalance;
  /** Where the balance is from; absent where it is only shown. */
  readonly funds?: Funds;
  /** Absent where it was not asked for. */
  readonly margin?: ToldMargin | 'no answer';
}

/** What the broker says that so many units need. */
export interface ToldMargin extends BrokerMargin {
  readonly qty: Quantity;
  /** What the order takes already that would be changed; zero for a new one. */
  readonly held: Money;
}

/**
 * Asks the broker and the feed, each within its time. A broker that does not answer refuses the order, it never lets it pass; a feed that
 * does not leaves the quote as old as it is, and the controls judge by that. What is asked `alongside` neither rejects nor lasts.
 */
export async function gatherOutside(
  line: Line,
  account: AccountId,
  symbol: string,
  alongside?: (fresh: Promise<void>) => Promise<unknown>,
): Promise<Result<Outside, Refusal>> {
  const found = resolveFor(line, account, symbol);
  if (!found.ok) return found;
  const fresh = quoted(line, account, [found.value.id]);
  const [outside] = await Promise.all([gatherToClose(line, account, symbol), fresh, alongside?.(fresh)]);
  if (outside.ok && outside.value.funds && !isTrue(line, outside.value.funds))
    return gatherToClose(line, account, symbol);
  return outside;
}

/** Without waiting for a price: a close needs none. */
export async function gatherToClose(
  line: Line,
  account: AccountId,
  symbol: string,
): Promise<Result<Outside, Refusal>> {
  const instrument = resolveFor(line, account, symbol);
  if (!instrument.ok) return instrument;
  const adapter = line.adapters.get(account);
  if (adapter === undefined) {
    return err(refuse('not_found', `There is no account ${account}; list_accounts names yours.`));
  }
  if (!adapter.connected()) return err(notConnected(adapter, account));
  try {
    const funds = await within(line, fundsOf(line, adapter), BROKER_CALL_TIMEOUT_MS);
    if (funds === undefined) throw new Error('timed out');
    return ok({ instrument: instrument.value, adapter, balance: funds.balance, funds });
  } catch {
    return err(refuse('broker_unavailable', `The broker of ${account} did not answer; nothing was sent.`));
  }
}

/** From then on the feed has quotes that are as fresh as they could be had; never rejects. */
export async function quoted(
  line: Line,
  account: AccountId,
  instruments: readonly InstrumentId[],
): Promise<void> {
  try {
    await within(line, feedOf(line, account).follow(instruments), QUOTE_WAIT_MS);
  } catch {
    // As if it had not answered.
  }
}

/** The answer, or undefined after `timeoutMs`; a late rejection is swallowed because nobody waits for it any more. */
export function within<T>(
  line: Pick<Line, 'clock'>,
  answer: Promise<T>,
  timeoutMs: number,
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const stop = line.clock.after(timeoutMs, () => resolve(undefined));
    answer.then(
      (value) => {
        stop();
        resolve(value);
      },
      (cause: unknown) => {
        stop();
        reject(cause instanceof Error ? cause : new Error(String(cause)));
      },
    );
  });
}

/** A broker's answer to a question; throws when it does not come in time. */
export async function answered<T>(line: Line, answer: Promise<T>, what: string): Promise<T> {
  const got = await within(
    line,
    answer.then((value) => ({ value })),
    BROKER_CALL_TIMEOUT_MS,
  );
  if (got === undefined) throw new Error(`the broker did not answer for ${what}`);
  return got.value;
}
