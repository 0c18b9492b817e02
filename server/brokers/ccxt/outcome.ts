/** What became of a request that moves money: the venue's word where it is one, and unknown wherever it might not be. */
import type { CancelOutcome, PlaceOutcome } from '#domain/broker.ts';
import { printable } from '#domain/refusal.ts';
import { BROKER_REASON_LENGTH_MAX } from '#limits.ts';
import { classesOf } from './error-class.ts';
import type { ExchangeFacts } from './facts.ts';
import { type Errand, NotSent, Unclear } from './wire.ts';

/** One line, without what ccxt puts around it: its message begins with the exchange and may quote a whole answer. */
export function reasonOf(fault: unknown): string {
  const text = fault instanceof Error ? fault.message : String(fault);
  const line = printable(text.replaceAll(/(?:https?|wss?):\/\/\S+/g, '').replaceAll(/\s+/g, ' ')).trim();
  return line.slice(0, BROKER_REASON_LENGTH_MAX) || 'no reason was given';
}

type Verdict = 'not_sent' | 'rejected' | 'unknown' | 'gone';

/**
 * `left` decides first: what never left is not sent, whatever is wrong. After that only an answer below 500 whose meaning ccxt knows
 * for this exchange is the venue's word; a class that says no more than "an error" counts only with a status that refuses.
 */
export function judge(fault: unknown, errand: Errand, facts: ExchangeFacts): Verdict {
  if (!errand.left || (fault instanceof NotSent && errand.status === undefined)) return 'not_sent';
  const classes = classesOf(fault);
  const has = (name: string): boolean => classes.includes(name);
  const { status } = errand;
  if (fault instanceof Unclear || status === undefined || status >= 500) return 'unknown';
  if (has('OrderNotFound')) return 'gone';
  // It is there already: perhaps by this very request, perhaps by one before it.
  if (has('DuplicateOrderId') || has('CancelPending')) return 'unknown';
  if (has('InvalidNonce')) return 'rejected';
  if (has('DDoSProtection') || has('RateLimitExceeded'))
    return facts.throttlesBeforeActing ? 'rejected' : 'unknown';
  if (has('OnMaintenance')) return status < 400 && facts.throttlesBeforeActing ? 'rejected' : 'unknown';
  if (has('OperationFailed') || !has('ExchangeError')) return 'unknown';
  const isVague = classes[0] === 'ExchangeError';
  return isVague && status < 400 ? 'unknown' : 'rejected';
}

export function placeFault(fault: unknown, errand: Errand, facts: ExchangeFacts): PlaceOutcome {
  const reason = reasonOf(fault);
  const verdict = judge(fault, errand, facts);
  switch (verdict) {
    case 'not_sent':
    case 'rejected':
    case 'unknown':
      return { kind: verdict, reason };
    case 'gone':
      return { kind: 'rejected', reason };
  }
}

export function cancelFault(fault: unknown, errand: Errand, facts: ExchangeFacts): CancelOutcome {
  const reason = reasonOf(fault);
  const verdict = judge(fault, errand, facts);
  switch (verdict) {
    case 'not_sent':
      return { kind: 'rejected', reason: `The cancel was not sent: ${reason}` };
    case 'gone':
    case 'rejected':
    case 'unknown':
      return { kind: verdict, reason };
  }
}
