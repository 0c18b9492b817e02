/** Positions that have become smaller: told once the commit is through, when everything of the moment is in the books. */
import { ACCOUNT_HOLDER, type Holding, opposes } from './holdings.ts';
import type { Line } from './line.ts';
import type { ReducedAt } from './reducible.ts';

/** A holder has less than before; `side` is the one that reduces what it had. */
export interface Shrunk extends ReducedAt {
  readonly holder: string;
}

/** Inside a transaction. An account's own row follows from those of its holders. */
export function noteShrunk(line: Line, before: Holding, { holder, account, instrument, qty }: Holding): void {
  if (holder === ACCOUNT_HOLDER || before.qty.eq('0')) return;
  const side = before.qty.gt('0') ? 'sell' : 'buy';
  if (opposes(side, qty) && qty.abs().gte(before.qty.abs())) return;
  const { shrunk } = line.memory;
  shrunk.set(`${holder} ${account} ${instrument} ${side}`, { holder, account, instrument, side });
  line.store.afterCommit(() => {
    const told = [...shrunk.values()];
    shrunk.clear();
    for (const one of told) for (const watch of line.memory.onShrunk) watch(one);
  });
}
