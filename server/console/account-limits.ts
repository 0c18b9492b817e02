/** The limits of an account on its page: how much of each is used, changing them, and lifting what was reached. */
import { z } from 'zod';
import { ratio, roundDownTo, text } from '#domain/decimal.ts';
import { type AccountId, accountId } from '#domain/principal.ts';
import { type LimitTexts, limitsWith, limitTexts, loosens } from '#trading/account-limits.ts';
import type { AccountLimitsView } from '#trading/account-limits-desk.ts';
import type { AccountReducing } from '#trading/account-state.ts';
import { accountOf, pathOfAccount, trippedWords } from './account-views.ts';
import { percentOf } from './agent-views.ts';
import { action, go, type OwnerVisit, refused } from './define.ts';
import type { AccountEntry } from './desks.ts';
import { shownMoney } from './figures.ts';
import { typedFigures } from './typed-figures.ts';

/** Shown rounded down: what stands at its limit has reached it. */
const HUNDREDTH = ratio('0.01');

/** `max` null: no such limit, and the figure stands alone. */
interface LimitRow {
  readonly label: string;
  readonly used: string;
  readonly max: string | null;
  readonly percent: number;
  readonly unit: string;
  readonly places: number;
}

export function limitsSection({ services }: OwnerVisit, { id, currency }: AccountEntry) {
  const view = services.trading.owner.accountLimits.of(id);
  return {
    limits: limitRows(view, currency),
    highest: shownMoney(view.standing.peak),
    entered: enteredAs(view),
    tripped: view.reducing.map((row) => ({
      words: trippedWords(row),
      lifting: liftingWords(row, view),
      since_ms: row.sinceMs,
    })),
  };
}

function limitRows(
  { limits, standing, positions }: AccountLimitsView,
  currency: string,
): readonly LimitRow[] {
  const max = limitTexts(limits);
  const row = (
    label: string,
    used: string,
    most: string | null,
    shown: Pick<LimitRow, 'unit' | 'places'>,
  ) => ({
    label,
    used,
    max: most,
    percent: most === null ? 0 : percentOf(used, most),
    ...shown,
  });
  return [
    row(
      'Below its highest equity',
      text(roundDownTo(standing.drawdownPercent, HUNDREDTH)),
      max.max_drawdown_percent,
      {
        unit: '%',
        places: 2,
      },
    ),
    row('Lost today', text(standing.loss), max.max_daily_loss, { unit: currency, places: 2 }),
    row('Positions', String(positions), max.max_positions === null ? null : String(max.max_positions), {
      unit: '',
      places: 0,
    }),
  ];
}

/** As the form has them before anybody types. */
function enteredAs({ limits }: AccountLimitsView): Required<LimitTexts> {
  const {
    max_drawdown_percent: drawdown,
    max_positions: positions,
    max_daily_loss: loss,
  } = limitTexts(limits);
  return {
    max_drawdown: drawdown ?? 'off',
    max_positions: positions === null ? 'off' : String(positions),
    max_daily_loss: loss ?? 'off',
  };
}

function liftingWords({ reason }: AccountReducing, { standing }: AccountLimitsView): string {
  return reason === 'max_drawdown'
    ? `When you lift it, the breaker counts from ${shownMoney(standing.equity)}, what the account is worth now.`
    : 'When you lift it, what was lost today is forgiven.';
}

/** Of what a person types in a field: what is longer is no limit of anything. */
const field = z.string().max(40);
const LimitForm = z.strictObject({ max_drawdown: field, max_positions: field, max_daily_loss: field });

/** People give a percentage its sign. */
const tidy = (given: z.output<typeof LimitForm>) =>
  typedFigures({ ...given, max_drawdown: given.max_drawdown.replace(/\s*%\s*$/, '') });

const idOf = ({ params }: OwnerVisit): AccountId => accountId(params['account'] ?? '');

export const limitActions = {
  limits: action({
    input: LimitForm,
    proof(visit, given) {
      const before = visit.services.trading.owner.accountLimits.of(idOf(visit)).limits;
      const to = tidy(given);
      const after = to.ok ? limitsWith(before, to.value) : to;
      return after.ok && loosens(before, after.value) ? 'recent' : 'none';
    },
    async run(visit, given) {
      const found = await accountOf(visit);
      if (!found.ok) return refused(found.error);
      const { id } = found.value;
      const to = tidy(given);
      if (!to.ok) return refused(to.error);
      const { accountLimits } = visit.services.trading.owner;
      const changed = accountLimits.change({ account: id, to: to.value, by: visit.owner });
      if (!changed.ok) return refused(changed.error);
      const canceling = changed.value.canceling.length;
      const orders = canceling === 1 ? 'order that no longer fits is' : 'orders that no longer fit are';
      const words = changed.value.changed
        ? 'The limits are changed and in force.'
        : 'Nothing was changed: they were set so already.';
      return go(
        pathOfAccount(id),
        canceling === 0 ? words : `${words} ${canceling} ${orders} being canceled.`,
      );
    },
  }),
  lift: action({
    input: z.strictObject({}),
    proof: 'now',
    async run(visit) {
      const found = await accountOf(visit);
      if (!found.ok) return refused(found.error);
      const { id } = found.value;
      const lifted = visit.services.trading.owner.accountLimits.lift(id, visit.owner);
      const words =
        lifted.length === 0
          ? `Nothing was lifted: ${id} had reached no limit.`
          : `Lifted: ${id} may add again. Orders that were canceled stay canceled.`;
      return go(pathOfAccount(id), words);
    },
  }),
};
