/** The limits of an account on its page: how much of each is used, changing them, and lifting what was reached. */
import { z } from 'zod';
import { ratio, roundDownTo, text } from '#domain/decimal.ts';
import { type AccountId, accountId } from '#domain/principal.ts';
import { refuse } from '#domain/refusal.ts';
import { type LimitTexts, limitsWith, limitTexts, loosens } from '#trading/account-limits.ts';
import type { AccountLimitsView } from '#trading/account-limits-desk.ts';
import type { AccountEntry } from './account-desk-views.ts';
import { accountOf, pathOfAccount, trippedWords } from './account-views.ts';
import { percentOf } from './agent-views.ts';
import { action, go, type OwnerVisit, type Proof, refused } from './define.ts';
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
      /** What the breaker counts from once it is lifted; null: it was the day's loss. */
      lifted_to: row.reason === 'max_drawdown' ? shownMoney(view.standing.equity) : null,
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

/** Of what a person types in a field: what is longer is no limit of anything. */
const field = z.string().max(40);
const LimitForm = z.strictObject({
  max_drawdown: field,
  max_positions: field,
  max_daily_loss: field,
  shown_max_drawdown: field.optional(),
  shown_max_positions: field.optional(),
  shown_max_daily_loss: field.optional(),
});

/** What differs from what the form showed: another window's change since then stays. People give a percentage its sign. */
function tidy({ max_drawdown, max_positions, max_daily_loss, ...shown }: z.output<typeof LimitForm>) {
  const typed = { max_drawdown: max_drawdown.replace(/\s*%\s*$/, ''), max_positions, max_daily_loss };
  const changed = Object.entries(typed).filter(
    ([name, text]) => text !== Object.entries(shown).find(([was]) => was === `shown_${name}`)?.[1],
  );
  return typedFigures<LimitTexts & Readonly<Record<string, string>>>(Object.fromEntries(changed));
}

const idOf = ({ params }: OwnerVisit): AccountId => accountId(params['account'] ?? '');

/** Taking something away asks for nothing. */
function proofFor(visit: OwnerVisit, given: z.output<typeof LimitForm>): Proof {
  const before = visit.services.trading.owner.accountLimits.of(idOf(visit)).limits;
  const to = tidy(given);
  const after = to.ok ? limitsWith(before, to.value) : to;
  return after.ok && loosens(before, after.value) ? 'recent' : 'none';
}

const LOOSER_BY_NOW = refuse(
  'loosening_refused',
  'The limits were tightened while this was sent, and this would loosen them; nothing was changed. Look at them as they are now, and send it again.',
);

export const limitActions = {
  limits: action({
    input: LimitForm,
    proof: proofFor,
    async run(visit, given, proved) {
      const found = await accountOf(visit);
      if (!found.ok) return refused(found.error);
      const { id } = found.value;
      const to = tidy(given);
      if (!to.ok) return refused(to.error);
      // In the same turn as the change: what was tighter when it was judged may be looser by now.
      if (proved === 'none' && proofFor(visit, given) !== 'none') return refused(LOOSER_BY_NOW);
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
    proves: (visit) => `Let ${idOf(visit)} add again.`,
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
