/** Compares positions with the broker's: what the ledger lacks and no execution explains is adopted, so that the owner can see it. */
import { type Price, type Quantity, subtract, text, ZERO_QUANTITY } from '#domain/decimal.ts';
import { type InstrumentId, pricedIn } from '#domain/instrument.ts';
import type { AccountId } from '#domain/principal.ts';
import type { BrokerAdapter, BrokerPosition } from '#ports.ts';
import { postFlow } from './capital-flow.ts';
import { chargeInKind, isFeeToCome } from './fee-in-kind.ts';
import { dropFunds } from './funds.ts';
import { ACCOUNT_HOLDER, EXTERNAL_HOLDER, type Holding } from './holdings.ts';
import { adoptPosition } from './ledger.ts';
import type { Line } from './line.ts';
import { markOf } from './loss.ts';
import { forgetTold, isNews } from './once.ts';
import { quoted } from './outside.ts';
import { withdrawAgainst } from './recorded-fills.ts';
import { endIntraday } from './unplaced.ts';

/** What the comparison asks of the broker. */
export interface PositionQuestions {
  readonly positions: () => Promise<readonly BrokerPosition[]>;
  /** Posts what the history has that is not known yet. */
  readonly readHistory: () => Promise<void>;
}

/** The broker's positions are the truth: what the ledger lacks is adopted as external, and the owner can see it. */
export async function alignPositions(
  line: Line,
  adapter: BrokerAdapter,
  ask: PositionQuestions,
): Promise<void> {
  const { account } = adapter;
  const before = lastExecution(line, account);
  const positions = await ask.positions();
  // What they have more than we know may have been filled since the history was told: it is asked again before anything is adopted.
  const apart = gapsOf(line, account, positions);
  if (apart.length > 0) {
    await ask.readHistory();
    // Nothing is adopted without a price, and a live feed has one of what it follows.
    await quoted(
      line,
      account,
      apart.map(({ instrument }) => instrument),
    );
  }
  line.store.transaction(() => {
    // A snapshot begun before a fill that has been posted since would undo it: ask again instead.
    if (lastExecution(line, account) !== before) {
      line.memory.suspect.add(account);
      return;
    }
    const stays = new Set<string>();
    for (const gap of gapsOf(line, account, positions)) {
      const left = close(line, adapter, gap);
      if (left !== undefined) stays.add(MISMATCH + left);
    }
    forgetTold(line, account, MISMATCH, stays);
  });
}

const MISMATCH = 'mismatch:';

/** Adopts what is apart, or has it on the record, once; gives the instrument in which it stays apart. */
function close(
  line: Line,
  { account, currency, capabilities }: BrokerAdapter,
  apart: Gap,
): InstrumentId | undefined {
  const { instrument, ours, theirs } = apart;
  // What the owner alone has read of, and the broker does not have, goes first.
  const qty = subtract(apart.gap, withdrawAgainst(line, account, instrument, apart.gap));
  if (qty.eq('0')) return undefined;
  dropFunds(line, account);
  const known = line.book.byId(instrument);
  if (known !== undefined && isFeeToCome(line, { account, instrument: known, gap: qty })) return undefined;
  const found = adoptable(line, { account, currency, instrument, qty, ours });
  if (
    known !== undefined &&
    found.ok &&
    chargeInKind(line, { account, instrument: known, gap: qty, at: found.at })
  )
    return undefined;
  const detail = {
    instrument,
    ours: text(ours.qty),
    broker: text(theirs ?? ZERO_QUANTITY),
    adopted: found.ok,
    ...(found.ok ? {} : { why: found.why }),
  };
  if (found.ok || isNews(line, account, MISMATCH + instrument, `${detail.ours} ${detail.broker}`))
    line.audit.record({
      kind: 'reconcile.mismatch',
      account,
      outcome: found.ok ? 'ok' : 'unknown',
      detail,
    });
  if (!found.ok) return instrument;
  const left = capabilities.products.includes('mis')
    ? subtract(qty, endIntraday(line, account, { instrument, qty, at: found.at }))
    : qty;
  if (!left.eq('0'))
    postFlow(line, account, `adopted:${instrument}`, () =>
      adoptPosition(line, { account, instrument, qty: left, at: found.at, holder: EXTERNAL_HOLDER }),
    );
  return undefined;
}

/** The price that it goes into the books at, or why it can not. */
function adoptable(
  line: Line,
  of: {
    readonly account: AccountId;
    readonly currency: string;
    readonly instrument: InstrumentId;
    readonly qty: Quantity;
    readonly ours: Holding;
  },
): { readonly ok: true; readonly at: Price } | { readonly ok: false; readonly why: string } {
  const known = line.book.byId(of.instrument);
  if (known === undefined) return { ok: false, why: 'the instrument is not in the list' };
  if (pricedIn(known) !== of.currency)
    return { ok: false, why: `it is priced in ${pricedIn(known)}, and the account is in ${of.currency}` };
  const at = markOf(line, of) ?? of.ours.mark;
  return at === null ? { ok: false, why: 'there is no price' } : { ok: true, at };
}

interface Gap {
  readonly instrument: InstrumentId;
  readonly ours: Holding;
  readonly theirs: Quantity | undefined;
  readonly gap: Quantity;
}

/** Where the broker's positions are other than ours. */
function gapsOf(line: Line, account: AccountId, positions: readonly BrokerPosition[]): readonly Gap[] {
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

const lastExecution = (line: Line, account: AccountId): unknown =>
  line
    .prepare<[string], number>('SELECT seq FROM executions WHERE account_id = ? ORDER BY seq DESC LIMIT 1')
    .pluck()
    .get(account);
