/** Compares positions with the broker's: what the ledger lacks and no execution explains is adopted, so that the owner can see it. */
import { subtract, text, ZERO_QUANTITY } from '#domain/decimal.ts';
import type { AccountId } from '#domain/principal.ts';
import type { BrokerAdapter, BrokerPosition } from '#ports.ts';
import { ACCOUNT_HOLDER, EXTERNAL_HOLDER } from './holdings.ts';
import { adoptPosition } from './ledger.ts';
import type { Line } from './line.ts';
import { markOf } from './loss.ts';
import { withdrawAgainst } from './recorded-fills.ts';

/** What the comparison asks of the broker. */
export interface PositionQuestions {
  readonly positions: () => Promise<readonly BrokerPosition[]>;
  /** Posts what the history has that is not known yet. */
  readonly readHistory: () => Promise<void>;
}

/** The broker's positions are the truth: what the ledger lacks is adopted as external, and the owner can see it. */
export async function alignPositions(
  line: Line,
  { account }: BrokerAdapter,
  ask: PositionQuestions,
): Promise<void> {
  const before = lastExecution(line);
  const positions = await ask.positions();
  // What they have more than we know may have been filled since the history was told: it is asked again before anything is adopted.
  if (gapsOf(line, account, positions).length > 0) await ask.readHistory();
  line.store.transaction(() => {
    // A snapshot begun before a fill that has been posted since would undo it: ask again instead.
    if (lastExecution(line) !== before) {
      line.memory.suspect.add(account);
      return;
    }
    for (const { instrument, ours, theirs, gap: apart } of gapsOf(line, account, positions)) {
      // What the owner alone has read of, and the broker does not have, goes first.
      const gap = subtract(apart, withdrawAgainst(line, account, instrument, apart));
      if (gap.eq('0')) continue;
      const at = markOf(line, { account, instrument, qty: gap }) ?? ours.mark;
      line.audit.record({
        kind: 'reconcile.mismatch',
        account,
        outcome: at === null ? 'unknown' : 'ok',
        detail: {
          instrument,
          ours: text(ours.qty),
          broker: text(theirs ?? ZERO_QUANTITY),
          adopted: at !== null,
        },
      });
      if (at !== null) adoptPosition(line, { account, instrument, qty: gap, at, holder: EXTERNAL_HOLDER });
    }
  });
}

/** Where the broker's positions are other than ours. */
function gapsOf(line: Line, account: AccountId, positions: readonly BrokerPosition[]) {
  const known = new Set([
    ...positions.map((position) => position.instrument),
    ...line.holdings.byHolder(ACCOUNT_HOLDER, account).map((holding) => holding.instrument),
  ]);
  return [...known].flatMap((instrument) => {
    const ours = line.holdings.of(ACCOUNT_HOLDER, account, instrument);
    const theirs = positions.find((position) => position.instrument === instrument)?.qty;
    const gap = subtract(theirs ?? ZERO_QUANTITY, ours.qty);
    return gap.eq('0') ? [] : [{ instrument, ours, theirs, gap }];
  });
}

const lastExecution = (line: Line): unknown =>
  line.store.db.prepare('SELECT max(seq) FROM executions').pluck().get();
