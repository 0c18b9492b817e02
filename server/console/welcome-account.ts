/** The first run's look at the paper account: what it holds, the market it trades in, and how real its fills and deposit are to be. */
import { z } from 'zod';
import { compare, isDecimalText, money } from '#domain/decimal.ts';
import type { Refusal } from '#domain/refusal.ts';
import { ok, type Result } from '#domain/result.ts';
import type { AccountEntry } from './account-desk-views.ts';
import { paperChoices } from './account-views.ts';
import { go, type Outcome, type OwnerVisit, type PageData, refused } from './define.ts';
import { typedFigures } from './typed-figures.ts';

export const accountInput = z.strictObject({
  preset: z.string().max(40).optional(),
  cash: z.string().max(60).optional(),
});

/** The first paper account; undefined: somebody has removed it. */
async function paperAccount({ services }: OwnerVisit): Promise<AccountEntry | undefined> {
  return (await services.accounts.list()).find(({ paper }) => paper !== null);
}

/** A new deposit is a new start, which nobody wants to offer once there is something to lose by it. */
const isFresh = ({ services }: OwnerVisit, { id }: AccountEntry): boolean =>
  services.trading.owner.orders({ account: id, limit: 1 }).items.length === 0;

export async function accountStep(visit: OwnerVisit): Promise<Result<PageData, Refusal>> {
  const { accounts, markets } = visit.services;
  const account = await paperAccount(visit);
  const [instrument] = markets.all().instruments();
  return ok({
    account: account ?? null,
    is_fresh: account !== undefined && isFresh(visit, account),
    instrument: instrument ?? null,
    tape: accounts.tape(),
    ...paperChoices(accounts),
  });
}

export async function chooseAccount(
  visit: OwnerVisit,
  given: z.output<typeof accountInput>,
): Promise<Outcome> {
  const { accounts, access } = visit.services;
  const account = await paperAccount(visit);
  const { paper, id } = account ?? {};
  if (account && paper && id !== undefined) {
    // The deposit first: it is what people mistype, and then nothing of the form is done.
    const figures = typedFigures({ cash: given.cash ?? paper.cash });
    if (!figures.ok) return refused(nothingChanged(figures.error));
    const { cash } = figures.value;
    if (!isSameAmount(cash, paper.cash) && isFresh(visit, account)) {
      const restarted = await accounts.reset(id, cash);
      if (!restarted.ok) return refused(nothingChanged(restarted.error));
    }
    const { preset = paper.preset } = given;
    if (preset !== paper.preset) {
      const changed = await accounts.change(id, { ...paper, preset });
      if (!changed.ok) return refused(changed.error);
    }
  }
  access.firstRun.seeAccount();
  return go('/admin/welcome');
}

/** Who chooses a deposit here does not begin anew, as the accounts page calls it. */
const nothingChanged = (refusal: Refusal): Refusal => ({
  ...refusal,
  detail:
    refusal.errors === undefined
      ? `Nothing was changed. ${refusal.detail}`
      : 'Nothing was changed: the deposit is not right yet.',
});

const isSameAmount = (a: string, b: string): boolean =>
  a === b || (isDecimalText(a) && isDecimalText(b) && compare(money(a), money(b)) === 0);
