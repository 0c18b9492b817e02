/** Eight agents with an account each: more than the ten orders a second that one account may send. */
import { ensureFirstAccount, recordPaperAccount } from '#cli/account-book.ts';
import { openOffice } from '#cli/office.ts';
import { wallClock } from '#clock.ts';
import { OWNER_CLI, SCOPES } from '#domain/principal.ts';
import { configIn } from './gateway.ts';

export const TRADERS = 8;
/** Enough for a thousand orders at work in each account. */
const CASH = '100000000';

export interface Trader {
  readonly agent: string;
  readonly account: string;
  readonly key: string;
}

const mandateFor = (account: string) => ({
  accounts: [account],
  symbols: ['SPX'],
  sides: ['buy', 'sell'],
  may_reduce: 'own',
  order_types: ['market', 'limit'],
  allow_short: true,
  max_order_qty: '100',
  max_order_value: '10000000',
  max_daily_value: '1000000000',
  max_daily_orders: 1_000_000,
  max_daily_loss: '10000000',
  max_open_orders: 100_000,
  max_gross_exposure: '1000000000',
  trading_hours: 'any',
  expires_at: null,
  commit: 'one_step',
  approval: 'never',
});

/** While no engine runs on the folder. */
export function makeTraders(folder: string): readonly Trader[] {
  const config = configIn(folder, { PAPER_CASH: CASH });
  const office = openOffice(config, wallClock);
  try {
    ensureFirstAccount(office);
    return Array.from({ length: TRADERS }, (_, index) => {
      const [agent, account] = [`trader-${index}`, `account-${index}`];
      const added = recordPaperAccount(office, { name: account }, OWNER_CLI);
      if (!added.ok) throw new Error(added.error.detail);
      const named = office.access.agents.create(agent, [account], OWNER_CLI);
      if (!named.ok) throw new Error(named.error.detail);
      const made = office.access.keys.create({ agent, scopes: SCOPES, by: OWNER_CLI });
      if (!made.ok) throw new Error(made.error.detail);
      const mandate = office.access.mandates.set(agent, mandateFor(account), OWNER_CLI);
      if (!mandate.ok) throw new Error(mandate.error.detail);
      return { agent, account, key: made.value.key };
    });
  } finally {
    office.close();
  }
}
