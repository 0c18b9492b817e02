/** What the owner's commands do with accounts. */
import { z } from 'zod';
import { paperMarketOf } from '#brokers/paper/settings.ts';
import { nearest } from '#domain/nearest.ts';
import { OWNER_CLI } from '#domain/principal.ts';
import { fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { AccountRecord } from '#store/accounts.ts';
import {
  type AddedAccount,
  addBrokerAccount,
  changeCredentials,
  takeIn,
  whyNotLive,
} from './account-adding.ts';
import { accountNamed, addPaperAccount, PAPER_NAMES, removeAccount } from './account-book.ts';
import { alone } from './account-connections.ts';
import { brokerOf, readAccount, readCredentials } from './account-reading.ts';
import { scopeOf } from './account-scopes.ts';
import { beginSignIn, finishSignIn } from './account-sign-in.ts';
import { ownerAct, type Proved } from './act.ts';
import { lifted, limitsReached } from './limits.ts';
import type { Office } from './office.ts';
import { iso } from './print.ts';

/** What it is and whether it works; what opens it is nowhere in it. */
interface Shown {
  readonly id: string;
  readonly broker: string;
  readonly mode: 'paper' | 'live';
  readonly currency: string;
  /** What a paper account trades on: tape, live:ACCOUNT or public:EXCHANGE; null at a broker, which is its own market. */
  readonly market: string | null;
  /** Its list of instruments was never read: it trades nothing and has no prices yet. */
  readonly list_unread: boolean;
  readonly connected: boolean;
  /** null: nothing is amiss, or no engine runs. */
  readonly trouble: string | null;
  readonly sign_in_needed: boolean;
  readonly limits_reached: readonly string[];
  readonly created_at: string;
}
/** `tried`: what its broker said to the credentials; null: there was nothing to say. */
type Told = Shown & { readonly tried: string | null };

function shown(office: Office, account: AccountRecord): Shown {
  const { id, broker, mode, currency, settings, createdAtMs } = account;
  const { engine } = office;
  const adapter = engine?.adapters.get(id);
  const health = adapter?.health();
  return {
    id,
    broker,
    mode,
    currency,
    market: broker === 'paper' ? marketWords(settings) : null,
    list_unread: office.listed.unread([scopeOf(office, account)]).length > 0,
    connected: adapter?.connected() ?? false,
    trouble: health?.trouble ?? engine?.accountConnections.whyNot(id) ?? null,
    sign_in_needed: health?.signInNeeded ?? false,
    limits_reached: limitsReached(office, id),
    created_at: iso(createdAtMs),
  };
}

function marketWords(settings: unknown): string {
  const market = paperMarketOf(settings);
  switch (market.kind) {
    case 'tape':
      return 'tape';
    case 'live':
      return `live:${market.account}`;
    case 'public':
      return `public:${market.exchange}`;
  }
}

export const list = ownerAct({
  name: 'accounts.list',
  input: z.strictObject({}),
  work: (office) => ok({ accounts: office.accounts.list().map((account) => shown(office, account)) }),
});

const Texts = z.record(z.string(), z.string());
const NewAccount = z.strictObject({
  broker: z.string(),
  name: z.string(),
  mode: z.string().optional(),
  cash: z.string().optional(),
  market: z.string().optional(),
  currency: z.string().optional(),
  settings: Texts.default({}),
  credentials: Texts.default({}),
});
type NewAccount = z.output<typeof NewAccount>;

export const add = ownerAct({
  name: 'accounts.add',
  widens: true,
  input: NewAccount,
  check(office, input) {
    if (input.broker === 'paper') return undefined;
    const read = notForPaper(input) ?? readAccount(office, input);
    if (!read.ok) return read.error;
    return whyNotLive(office, read.value.mode, { code: true });
  },
  async work(office, input, proved): Promise<Result<Told, Refusal>> {
    const known = brokerOf(office, input.broker);
    if (!known.ok) return known;
    if (input.broker !== 'paper')
      return told(
        office,
        notForPaper(input) ??
          (await addBrokerAccount(office, input, { by: OWNER_CLI, code: hasCode(proved) })),
      );
    const added = await addPaper(office, input);
    return added.ok ? ok({ ...shown(office, added.value), tried: null }) : added;
  },
});

async function addPaper(
  office: Office,
  { name, mode, settings, cash, market, currency }: NewAccount,
): Promise<Result<AccountRecord, Refusal>> {
  if (mode !== undefined && mode !== 'paper')
    return err(refuse('invalid_input', 'An account at the paper broker is a paper account.'));
  const unknown = Object.keys(settings).filter((one) => !PAPER_NAMES.some((known) => known === one));
  if (unknown.length > 0)
    return err(
      refuse('invalid_input', 'The account was not added; see its fields.', {
        errors: unknown.map((one) =>
          fieldError(one, settings[one], 'is no setting of a paper account', nearest(one, PAPER_NAMES)),
        ),
      }),
    );
  return addPaperAccount(
    office,
    {
      ...settings,
      name,
      ...(cash === undefined ? {} : { cash }),
      ...(market === undefined ? {} : { market }),
      ...(currency === undefined ? {} : { currency }),
    },
    OWNER_CLI,
  );
}

/** A deposit is made on paper alone, and a market is chosen there alone. */
const notForPaper = ({ cash, market, currency }: NewAccount): Result<never, Refusal> | undefined =>
  cash === undefined && market === undefined && currency === undefined
    ? undefined
    : err(
        refuse(
          'invalid_input',
          '--cash, --market and --currency are for accounts at the broker paper; what a broker holds and quotes it says itself.',
        ),
      );

const hasCode = (proved: Proved): boolean => proved === 'passphrase_and_code';

const told = (office: Office, added: Result<AddedAccount, Refusal>): Result<Told, Refusal> =>
  added.ok
    ? ok({
        ...shown(office, added.value.account),
        trouble: added.value.trouble,
        tried: added.value.tried,
      })
    : added;

export const credentials = ownerAct({
  name: 'accounts.credentials',
  widens: true,
  input: z.strictObject({ name: z.string(), credentials: Texts }),
  check(office, input) {
    const found = accountNamed(office, input.name);
    if (!found.ok) return found.error;
    const read = readCredentials(office, found.value, input.credentials);
    return read.ok ? whyNotLive(office, found.value.mode, { code: true }) : read.error;
  },
  work: async (office, input, proved) =>
    told(
      office,
      await changeCredentials(office, input.name, {
        credentials: input.credentials,
        by: OWNER_CLI,
        code: hasCode(proved),
      }),
    ),
});

/** Sign-ins that the command line began come back to it alone. */
const AT_THE_COMMAND_LINE = 'command line';

export const signInUrl = ownerAct({
  name: 'accounts.sign-in-url',
  input: z.strictObject({ name: z.string() }),
  work: (office, { name }) => beginSignIn(office, name, AT_THE_COMMAND_LINE),
});

export const signIn = ownerAct({
  name: 'accounts.sign-in',
  widens: true,
  input: z.strictObject({ name: z.string(), query: Texts }),
  async work(office, { name, query }): Promise<Result<Shown, Refusal>> {
    const came = { session: AT_THE_COMMAND_LINE, query, by: OWNER_CLI };
    const finished = await finishSignIn(office, name, came);
    if (!finished.ok) return finished;
    const found = accountNamed(office, name);
    return found.ok ? ok(shown(office, found.value)) : found;
  },
});

export const reconnect = ownerAct({
  name: 'accounts.reconnect',
  input: z.strictObject({ name: z.string() }),
  async work(office, { name }): Promise<Result<Shown, Refusal>> {
    const found = accountNamed(office, name);
    if (!found.ok) return found;
    return alone(office, found.value.id, async () => {
      await takeIn(office, found.value);
      return ok(shown(office, found.value));
    });
  },
});

export const remove = ownerAct({
  name: 'accounts.remove',
  input: z.strictObject({ name: z.string() }),
  async work(office, { name }) {
    const removed = await removeAccount(office, name, OWNER_CLI);
    return removed.ok ? ok(shown(office, removed.value)) : removed;
  },
});

export const lift = ownerAct({
  name: 'accounts.lift',
  widens: true,
  input: z.strictObject({ name: z.string() }),
  work(office, { name }) {
    const found = accountNamed(office, name);
    return found.ok ? ok(lifted(office, found.value)) : found;
  },
});
