/** `portcullis limits`: how far a whole account may fall, whatever the mandates of its agents say. */
import { z } from 'zod';
import { text } from '#domain/decimal.ts';
import { type AccountId, OWNER_CLI } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import { ok, type Result } from '#domain/result.ts';
import type { AccountRecord } from '#store/accounts.ts';
import {
  accountLimitsOf,
  changeAccountLimits,
  type LimitBooks,
  type LimitTexts,
  limitsWith,
  limitTexts,
  loosens,
} from '#trading/account-limits.ts';
import type { ChangedLimits } from '#trading/account-limits-desk.ts';
import {
  type AccountReducing,
  accountReducing,
  liftAccount,
  reducingInWords,
} from '#trading/account-state.ts';
import { accountNamed } from './account-book.ts';
import { ownerAct } from './act.ts';
import { ask } from './ask.ts';
import { defineCommand, type Invocation, JSON_OPTION, UsageError } from './command.ts';
import type { Office } from './office.ts';
import { iso, printObject, printTable } from './print.ts';

const booksOf = ({ store, audit, access }: Office): LimitBooks => ({
  store,
  audit,
  wallMs: access.wall,
  prepare: store.db.prepare.bind(store.db),
});
const today = ({ access }: Office): string => access.mandateDay(access.wall());

/** `used` is null while no engine runs: what an account is worth is known where its market is. */
function shown(office: Office, { id, currency }: AccountRecord) {
  const view = office.engine?.trading.owner.accountLimits.of(id);
  const books = booksOf(office);
  return {
    account: id,
    currency,
    limits: limitTexts(accountLimitsOf(books, id)),
    used:
      view === undefined
        ? null
        : {
            drawdown_percent: text(view.standing.drawdownPercent),
            positions: view.positions,
            daily_loss: text(view.standing.loss),
            equity: text(view.standing.equity),
            highest_equity: text(view.standing.peak),
          },
    reducing: accountReducing(books, id, today(office)).map(shownReason),
  };
}

const shownReason = ({ reason, used, max, day, sinceMs }: AccountReducing) => ({
  limit: reason,
  used,
  max,
  day,
  since: iso(sinceMs),
});

function changed(office: Office, account: AccountId, to: LimitTexts): Result<ChangedLimits, Refusal> {
  const change = { account, to, by: OWNER_CLI };
  if (office.engine) return office.engine.trading.owner.accountLimits.change(change);
  const done = changeAccountLimits(booksOf(office), change);
  return done.ok ? ok({ ...done.value, canceling: [] }) : done;
}

/** Why the account may only reduce, by limit. */
export const limitsReached = (office: Office, account: AccountId): readonly string[] =>
  accountReducing(booksOf(office), account, today(office)).map(({ reason }) => reason);

/** Ends what tripped; the next start measures the account anew where no engine runs. */
export function lifted(office: Office, account: AccountRecord) {
  const rows = office.engine
    ? office.engine.trading.owner.accountLimits.lift(account.id, OWNER_CLI)
    : liftAccount(booksOf(office), { account: account.id, today: today(office), by: OWNER_CLI });
  return { ...shown(office, account), lifted: rows.map(shownReason) };
}

const show = ownerAct({
  name: 'limits.show',
  input: z.strictObject({ account: z.string() }),
  work(office, { account }) {
    const found = accountNamed(office, account);
    return found.ok ? ok(shown(office, found.value)) : found;
  },
});

const LIMIT = z.string().max(40).optional();

const set = ownerAct({
  name: 'limits.set',
  input: z.strictObject({
    account: z.string(),
    max_drawdown: LIMIT,
    max_positions: LIMIT,
    max_daily_loss: LIMIT,
  }),
  widensWith(office, { account, ...to }) {
    const found = accountNamed(office, account);
    if (!found.ok) return false;
    const before = accountLimitsOf(booksOf(office), found.value.id);
    const after = limitsWith(before, to);
    return after.ok && loosens(before, after.value);
  },
  work(office, { account, ...to }) {
    const found = accountNamed(office, account);
    if (!found.ok) return found;
    const done = changed(office, found.value.id, to);
    if (!done.ok) return done;
    const { changed: isChanged, canceling } = done.value;
    return ok({ ...shown(office, found.value), changed: isChanged, canceling });
  },
});

type Shown = ReturnType<typeof shown>;

function printLimits(invocation: Invocation, { account, currency, limits, used, reducing }: Shown): void {
  const rows = [
    { name: 'drawdown', used: used?.drawdown_percent, max: limits.max_drawdown_percent, unit: '%' },
    { name: 'positions', used: used?.positions, max: limits.max_positions, unit: '' },
    { name: 'daily loss', used: used?.daily_loss, max: limits.max_daily_loss, unit: currency },
  ];
  printTable(
    invocation,
    rows.map(({ name, used: now, max, unit }) => ({
      LIMIT: name,
      USED: now ?? 'not known while the gateway is stopped',
      MAX: max === null ? 'off' : `${max} ${unit}`.trim(),
    })),
    '',
  );
  for (const { limit, used: reached, max } of reducing)
    invocation.terminal.say(
      `REDUCING: ${account} ${reducingInWords({ reason: limit, used: reached, max })}. \`portcullis accounts lift ${account}\` ends it.`,
    );
}

export const limits = defineCommand({
  name: 'limits',
  summary: 'Limits of a whole account, over the mandates of its agents.',
  verbs: {
    show: {
      summary: 'Shows the limits of an account and how it stands against them.',
      words: ['ACCOUNT'],
      options: JSON_OPTION,
      act: show,
      async run(invocation) {
        const [account = ''] = invocation.words;
        const found = await ask(invocation, show, { account });
        if (invocation.flag('json')) printObject(invocation, found);
        else printLimits(invocation, found);
        return 0;
      },
    },
    set: {
      summary: 'Changes limits of an account; what is looser than before asks for the owner.',
      words: ['ACCOUNT'],
      options: {
        'max-drawdown': {
          type: 'string',
          value: 'P',
          about: 'percent below its highest equity at which it may only reduce, or off (standard: 30)',
        },
        'max-positions': { type: 'string', value: 'N', about: 'instruments it may hold at once, or off' },
        'max-daily-loss': { type: 'string', value: 'V', about: 'what it may lose in a day, or off' },
        ...JSON_OPTION,
      },
      act: set,
      async run(invocation) {
        const [account = ''] = invocation.words;
        const to = {
          max_drawdown: invocation.text('max-drawdown'),
          max_positions: invocation.text('max-positions'),
          max_daily_loss: invocation.text('max-daily-loss'),
        };
        if (Object.values(to).every((given) => given === undefined))
          throw new UsageError('Say what to change: --max-drawdown, --max-positions or --max-daily-loss.');
        const done = await ask(invocation, set, { account, ...to });
        if (invocation.flag('json')) printObject(invocation, done);
        else {
          invocation.terminal.say(
            done.changed ? `The limits of ${done.account} are changed:` : 'They were set so already:',
          );
          printLimits(invocation, done);
          if (done.canceling.length > 0)
            invocation.terminal.say(`Canceled because they no longer fit: ${done.canceling.join(', ')}.`);
        }
        return 0;
      },
    },
  },
});
