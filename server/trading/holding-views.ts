/** What is owned beyond the day: as the broker lists it, else what the positions say that are paid for and delivered. */
import { absolute, type Price, perUnit, type Quantity, ZERO_QUANTITY } from '#domain/decimal.ts';
import type { AssetClass, InstrumentId } from '#domain/instrument.ts';
import type { AccountId } from '#domain/principal.ts';
import { printable, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { HOLDINGS_MAX } from '#limits.ts';
import { ACCOUNT_HOLDER } from './holdings.ts';
import { feedOf, instrumentOf, type Line } from './line.ts';
import { answered, quoted } from './outside.ts';
import type { HoldingView } from './views.ts';

export async function holdingsIn(
  line: Line,
  account: AccountId,
  symbol?: string,
): Promise<Result<readonly HoldingView[], Refusal>> {
  const adapter = line.adapters.get(account);
  if (adapter === undefined) return err(refuse('not_found', `The account ${account} has been removed.`));
  const told = adapter.capabilities.holdings ? adapter.holdings?.() : undefined;
  if (told === undefined) return ok(bySymbol(delivered(line, account), symbol));
  try {
    const listed = (await answered(line, told, 'its holdings')).slice(0, HOLDINGS_MAX);
    await quoted(
      line,
      account,
      listed.map(({ instrument }) => instrument),
    );
    const views = listed.map((one): HoldingView => {
      const { instrument, qty, unsettledQty, lockedQty, avgPrice, product } = one;
      return {
        ...priced(line, account, { instrument, qty }),
        unsettledQty,
        lockedQty,
        avgPrice,
        ...(product === undefined ? {} : { product }),
        source: 'broker',
      };
    });
    return ok(bySymbol(views, symbol));
  } catch {
    return err(refuse('broker_unavailable', `The broker of ${account} did not answer; try again.`));
  }
}

const bySymbol = (views: readonly HoldingView[], symbol: string | undefined): readonly HoldingView[] =>
  symbol === undefined ? views : views.filter((view) => view.symbol === symbol);

/** Paid for in full when they are bought (an index on paper as if it were a share); what is held on margin, or short, is no holding. */
const PAID_FOR: readonly AssetClass[] = ['equity', 'crypto', 'index'];

function delivered(line: Line, account: AccountId): readonly HoldingView[] {
  return line.holdings.byHolder(ACCOUNT_HOLDER, account).flatMap(({ instrument, qty, cost }) => {
    const { assetClass, multiplier } = instrumentOf(line, instrument);
    if (!qty.gt('0') || !PAID_FOR.includes(assetClass)) return [];
    return {
      ...priced(line, account, { instrument, qty }),
      unsettledQty: ZERO_QUANTITY,
      lockedQty: ZERO_QUANTITY,
      avgPrice: perUnit(absolute(cost), qty, multiplier),
      source: 'positions',
    };
  });
}

function priced(
  line: Line,
  account: AccountId,
  { instrument, qty }: { readonly instrument: InstrumentId; readonly qty: Quantity },
): Pick<HoldingView, 'account' | 'symbol' | 'qty' | 'marketPrice'> {
  const marketPrice: Price | null = feedOf(line, account).quote(instrument)?.bid ?? null;
  return { account, symbol: line.book.byId(instrument)?.symbol ?? printable(instrument), qty, marketPrice };
}
