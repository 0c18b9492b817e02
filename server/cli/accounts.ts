/** `portcullis accounts`: the connections to brokers; several paper accounts keep agents apart. */
import { BROKERS } from '#brokers/index.ts';
import { add, credentials, lift, list, reconnect, remove, signIn, signInUrl } from './account-acts.ts';
import {
  addressFrom,
  brokerNamed,
  brokersInWords,
  CREDENTIALS_OPTION,
  credentialsFrom,
  settingsFrom,
} from './account-credentials.ts';
import { ask } from './ask.ts';
import { CommandError, defineCommand, type Invocation, JSON_OPTION, UsageError } from './command.ts';
import { printObject, printTable } from './print.ts';

export const accounts = defineCommand({
  name: 'accounts',
  summary: 'Connections to brokers.',
  verbs: {
    list: {
      summary: 'Lists accounts.',
      options: JSON_OPTION,
      act: list,
      async run(invocation) {
        const listed = await ask(invocation, list, {});
        if (invocation.flag('json')) printObject(invocation, listed);
        else
          printTable(
            invocation,
            listed.accounts.map((account) => ({
              ID: account.id,
              BROKER: account.broker,
              MODE: account.mode,
              CURRENCY: account.currency,
              'TRADES ON': account.market,
              CONNECTED: connectedInWords(account),
              'LIMITS REACHED': account.limits_reached.join(', ') || null,
            })),
            'No accounts; `portcullis accounts add paper NAME` adds one.',
          );
        return 0;
      },
    },
    add: {
      summary:
        'Adds an account: a paper one with a deposit of its own, or one at a broker, with its credentials.',
      words: ['BROKER', 'NAME'],
      options: {
        cash: { type: 'string', value: 'N', about: 'opening deposit of a paper account (PAPER_CASH)' },
        mode: {
          type: 'string',
          value: 'MODE',
          about:
            "paper (a broker's paper or test accounts) or live (real money: takes a code of your authenticator app); paper where the broker has it",
        },
        market: {
          type: 'string',
          value: 'MARKET',
          about:
            'what a paper account trades on: tape, live:ACCOUNT (the prices of an account at a broker) or public:EXCHANGE',
        },
        currency: {
          type: 'string',
          value: 'CODE',
          about: 'what a paper account on a public market holds: USDT',
        },
        set: { type: 'string', value: 'NAME=VALUE', multiple: true, about: 'a setting of the account' },
        ...CREDENTIALS_OPTION,
        ...JSON_OPTION,
      },
      notes: () => brokersInWords(BROKERS),
      act: add,
      async run(invocation) {
        const [id = '', name = ''] = invocation.words;
        const broker = brokerNamed(BROKERS, id);
        const added = await ask(invocation, add, {
          broker: broker.id,
          name,
          ...given(invocation, 'cash'),
          ...given(invocation, 'mode'),
          ...given(invocation, 'market'),
          ...given(invocation, 'currency'),
          settings: settingsFrom(invocation.texts('set')),
          credentials: await credentialsFrom(invocation, broker),
        });
        if (invocation.flag('json')) printObject(invocation, added);
        else {
          const kind = added.broker === 'paper' ? added.broker : `${added.broker}, ${added.mode}`;
          invocation.terminal.say(`The account ${added.id} (${kind}, ${added.currency}) is there.`);
          sayHowItStands(invocation, added);
        }
        return 0;
      },
    },
    credentials: {
      summary: 'Gives an account other credentials, tried first; those before are gone.',
      words: ['NAME'],
      options: { ...CREDENTIALS_OPTION, ...JSON_OPTION },
      act: credentials,
      async run(invocation) {
        const [name = ''] = invocation.words;
        const { accounts: listed } = await ask(invocation, list, {});
        const account = listed.find(({ id }) => id === name);
        if (account === undefined)
          throw new CommandError(`There is no account named ${JSON.stringify(name.slice(0, 60))}.`);
        const changed = await ask(invocation, credentials, {
          name,
          credentials: await credentialsFrom(invocation, brokerNamed(BROKERS, account.broker)),
        });
        if (invocation.flag('json')) printObject(invocation, changed);
        else {
          invocation.terminal.say(`The account ${changed.id} has other credentials.`);
          sayHowItStands(invocation, changed);
        }
        return 0;
      },
    },
    'sign-in': {
      summary:
        "Signs in at a broker's own page: --url prints it; then, without it, you are asked for the address of the console that the browser ended at.",
      words: ['NAME'],
      options: {
        url: { type: 'boolean', about: 'print the page to open, in a browser anywhere' },
        token: {
          type: 'string',
          value: 'ADDRESS',
          about:
            'the whole address that your browser was sent back to, good once; other users of the machine may see it in the list of processes',
        },
        'token-file': {
          type: 'string',
          value: 'FILE',
          about: 'file with that address, for you alone to read (a terminal asks for it otherwise)',
        },
        ...JSON_OPTION,
      },
      act: signIn,
      async run(invocation) {
        const [name = ''] = invocation.words;
        if (invocation.flag('url')) {
          if (invocation.text('token') !== undefined || invocation.text('token-file') !== undefined)
            throw new UsageError(
              '`portcullis accounts sign-in` takes --url first, and the address after that.',
            );
          const { url } = await ask(invocation, signInUrl, { name });
          if (invocation.flag('json')) printObject(invocation, { url });
          else invocation.terminal.say(url);
          return 0;
        }
        const done = await ask(invocation, signIn, { name, query: queryOf(await addressFrom(invocation)) });
        if (invocation.flag('json')) printObject(invocation, done);
        else invocation.terminal.say(`You are signed in at the broker of ${done.id}.`);
        return 0;
      },
    },
    reconnect: {
      summary: 'Ends the connection of an account to its broker and makes a new one.',
      words: ['NAME'],
      options: JSON_OPTION,
      act: reconnect,
      async run(invocation) {
        const [name = ''] = invocation.words;
        const done = await ask(invocation, reconnect, { name });
        if (invocation.flag('json')) printObject(invocation, done);
        else invocation.terminal.say(done.trouble ?? `The connection of ${done.id} was made anew.`);
        return 0;
      },
    },
    remove: {
      summary: 'Removes an account that holds nothing and works nothing; its records stay.',
      words: ['NAME'],
      options: JSON_OPTION,
      act: remove,
      async run(invocation) {
        const [name = ''] = invocation.words;
        const removed = await ask(invocation, remove, { name });
        if (invocation.flag('json')) printObject(invocation, removed);
        else invocation.terminal.say(`The account ${removed.id} is removed; its records stay.`);
        return 0;
      },
    },
    lift: {
      summary: 'Lets an account add again that had reached a limit of its own.',
      words: ['NAME'],
      options: JSON_OPTION,
      act: lift,
      async run(invocation) {
        const [name = ''] = invocation.words;
        const done = await ask(invocation, lift, { name });
        if (invocation.flag('json')) printObject(invocation, done);
        else
          invocation.terminal.say(
            done.lifted.length === 0
              ? `Nothing was lifted: ${done.account} had reached no limit of its own.`
              : `Lifted: ${done.lifted.map(({ limit }) => limit).join(' and ')} of ${done.account}. It counts anew from what the account is worth now.`,
          );
        return 0;
      },
    },
  },
});

function given(
  invocation: Invocation,
  option: 'cash' | 'mode' | 'market' | 'currency',
): Readonly<Record<string, string>> {
  const text = invocation.text(option);
  return text === undefined ? {} : { [option]: text };
}

/** Connected, it may still have no instrument to trade. */
function connectedInWords(account: {
  readonly connected: boolean;
  readonly sign_in_needed: boolean;
  readonly list_unread: boolean;
}): string {
  if (!account.connected) return account.sign_in_needed ? 'sign in' : 'no';
  return account.list_unread ? 'yes, no prices yet' : 'yes';
}

function sayHowItStands(
  { terminal }: Invocation,
  account: {
    readonly id: string;
    readonly tried: string | null;
    readonly trouble: string | null;
    readonly sign_in_needed: boolean;
    readonly list_unread: boolean;
  },
): void {
  if (account.tried !== null) terminal.say(account.tried);
  if (account.trouble !== null) terminal.warn(account.trouble);
  if (account.list_unread)
    terminal.warn(
      `${account.id} has no prices yet: its list of instruments has not been read. \`portcullis market status\` says when it is, or what stands in the way.`,
    );
  if (account.sign_in_needed)
    terminal.warn(`Sign in at the broker: portcullis accounts sign-in ${account.id} --url`);
}

/** What the broker sent back, from the whole address or from its query alone. Throws UsageError, without what was given. */
function queryOf(address: string): Readonly<Record<string, string>> {
  const query = address.slice(address.indexOf('?') + 1);
  const read = Object.fromEntries(new URLSearchParams(query));
  if (read['state'] === undefined)
    throw new UsageError(
      'What is needed is the whole address that your browser was sent back to, with its state=…',
    );
  return read;
}
