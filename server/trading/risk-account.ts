/** Controls about the whole account, over the limits of every agent in it: loss today, drawdown, positions. Pure. */
import { money, text } from '#domain/decimal.ts';
import { type LimitFigure, type Refusal, refuse } from '#domain/refusal.ts';
import type { AccountRisk } from './account-limits.ts';
import type { Facts } from './facts.ts';
import { limitOf } from './risk-limits.ts';

type Standing = AccountRisk & Pick<Facts, 'accountCurrency'>;

const NONE = money('0');

/** Control 11a: what was lost stops adding, even before the watch has put the account into REDUCING. */
export function accountLoss(facts: Facts): Refusal | undefined {
  const { accountLoss: lost, accountCurrency: unit } = facts;
  const { maxDailyLoss: max } = facts.accountLimits;
  if (max === null || lost.lte('0') || lost.lt(max)) return undefined;
  return refuse(
    'max_daily_loss',
    `The account ${facts.account} lost ${text(lost)} of ${text(max)} ${unit} today, all agents together; only reducing orders are possible until tomorrow or the owner lifts it.`,
    { limits: [limitOf('account_max_daily_loss', unit, { used: lost, order: NONE, max })] },
  );
}

/** Control 12, the breaker. */
export function drawdown(facts: Facts): Refusal | undefined {
  const used = facts.accountDrawdownPercent;
  const { maxDrawdownPercent: max } = facts.accountLimits;
  if (max === null || used.lt(max)) return undefined;
  return refuse(
    'max_drawdown',
    `The account ${facts.account} is ${text(used)} % below its highest equity, at most ${text(max)} % is allowed; only reducing orders are possible until the owner lifts it.`,
    {
      limits: [
        { limit: 'account_max_drawdown', used: text(used), order: '0', max: text(max), unit: 'percent' },
      ],
    },
  );
}

/** Control 12a: what is held already may grow. */
export function positions(facts: Facts): Refusal | undefined {
  const { positionsOpen: used } = facts;
  const { maxPositions: max } = facts.accountLimits;
  if (max === null || !facts.opensPosition || used < max) return undefined;
  return refuse(
    'max_positions',
    `Positions ${used} of ${max} in the account ${facts.account}, orders at work included, and this order would open one more; close one first.`,
    { limits: [positionsFigure(facts, max)] },
  );
}

const positionsFigure = (facts: Standing, max: number): LimitFigure => ({
  limit: 'account_max_positions',
  used: String(facts.positionsOpen),
  order: facts.opensPosition ? '1' : '0',
  max: String(max),
  unit: 'positions',
});

/** The limits of the account that are in force, with their figures. */
export function accountFigures(facts: Standing): readonly LimitFigure[] {
  const { accountCurrency: unit } = facts;
  const { maxDrawdownPercent, maxPositions, maxDailyLoss } = facts.accountLimits;
  return [
    ...(maxDailyLoss === null
      ? []
      : [
          limitOf('account_max_daily_loss', unit, {
            used: facts.accountLoss,
            order: NONE,
            max: maxDailyLoss,
          }),
        ]),
    ...(maxDrawdownPercent === null
      ? []
      : [
          {
            limit: 'account_max_drawdown',
            used: text(facts.accountDrawdownPercent),
            order: '0',
            max: text(maxDrawdownPercent),
            unit: 'percent',
          },
        ]),
    ...(maxPositions === null ? [] : [positionsFigure(facts, maxPositions)]),
  ];
}
