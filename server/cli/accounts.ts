/** `portcullis accounts`: the connections to brokers; several paper accounts keep agents apart. */
import { z } from 'zod';
import { BROKERS } from '#brokers/index.ts';
import { nearest } from '#domain/nearest.ts';
import { OWNER_CLI } from '#domain/principal.ts';
import { fieldError, refuse } from '#domain/refusal.ts';
import { err, ok } from '#domain/result.ts';
import type { AccountRecord } from '#store/accounts.ts';
import { accountNamed, addPaperAccount, removeAccount } from './account-book.ts';
import { ownerAct } from './act.ts';
import { ask } from './ask.ts';
import { defineCommand, JSON_OPTION } from './command.ts';
import { lifted, limitsReached } from './limits.ts';
import type { Office } from './office.ts';
import { iso, printObject, printTable } from './print.ts';

const shown = (office: Office, { id, broker, mode, currency, createdAtMs }: AccountRecord) => ({
  id,
  broker,
  mode,
  currency,
  connected: office.engine?.adapters.get(id)?.connected() ?? false,
  limits_reached: limitsReached(office, id),
  created_at: iso(createdAtMs),
});

const list = ownerAct({
  name: 'accounts.list',
  input: z.strictObject({}),
  work: (office) => ok({ accounts: office.accounts.list().map((account) => shown(office, account)) }),
});

const add = ownerAct({
  name: 'accounts.add',
  widens: true,
  input: z.strictObject({ broker: z.string(), name: z.string(), cash: z.string().optional() }),
  async work(office, { broker, name, cash }) {
    const brokers = BROKERS.map((one) => one.id);
    if (!brokers.some((id) => id === broker)) {
      const error = fieldError('broker', broker, `one of ${brokers.join(', ')}`, nearest(broker, brokers));
      return err(refuse('invalid_input', 'There is no such broker.', { errors: [error] }));
    }
    const added = await addPaperAccount(office, { name, ...(cash === undefined ? {} : { cash }) }, OWNER_CLI);
    return added.ok ? ok(shown(office, added.value)) : added;
  },
});

const remove = ownerAct({
  name: 'accounts.remove',
  input: z.strictObject({ name: z.string() }),
  async work(office, { name }) {
    const removed = await removeAccount(office, name, OWNER_CLI);
    return removed.ok ? ok(shown(office, removed.value)) : removed;
  },
});

const lift = ownerAct({
  name: 'accounts.lift',
  widens: true,
  input: z.strictObject({ name: z.string() }),
  work(office, { name }) {
    const found = accountNamed(office, name);
    return found.ok ? ok(lifted(office, found.value)) : found;
  },
});

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
              CONNECTED: account.connected ? 'yes' : 'no',
              'LIMITS REACHED': account.limits_reached.join(', ') || null,
            })),
            'No accounts; `portcullis accounts add paper NAME` adds one.',
          );
        return 0;
      },
    },
    add: {
      summary: 'Adds an account; a paper one begins with a deposit of its own.',
      words: ['BROKER', 'NAME'],
      options: {
        cash: { type: 'string', value: 'N', about: 'opening deposit (PAPER_CASH)' },
        ...JSON_OPTION,
      },
      act: add,
      async run(invocation) {
        const [broker = '', name = ''] = invocation.words;
        const cash = invocation.text('cash');
        const added = await ask(invocation, add, { broker, name, ...(cash === undefined ? {} : { cash }) });
        if (invocation.flag('json')) printObject(invocation, added);
        else
          invocation.terminal.say(`The account ${added.id} (${added.broker}, ${added.currency}) is there.`);
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
