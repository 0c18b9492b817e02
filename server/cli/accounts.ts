/** `portcullis accounts`: the connections to brokers; several paper accounts keep agents apart. */
import { z } from 'zod';
import { BROKERS } from '#brokers/index.ts';
import { isDecimalText, text } from '#domain/decimal.ts';
import { nearest } from '#domain/nearest.ts';
import { accountId, NAME_PATTERN } from '#domain/principal.ts';
import { fieldError, refuse } from '#domain/refusal.ts';
import { err, ok } from '#domain/result.ts';
import type { AccountRecord } from '#store/accounts.ts';
import { holdingTable } from '#trading/holdings.ts';
import { orderTable } from '#trading/orders.ts';
import { addAccount, connectAccount, paperDefaults } from './account-book.ts';
import { ownerAct } from './act.ts';
import { ask } from './ask.ts';
import { defineCommand, JSON_OPTION } from './command.ts';
import type { Office } from './office.ts';
import { iso, printObject, printTable } from './print.ts';

const shown = (office: Office, { id, broker, mode, currency, createdAtMs }: AccountRecord) => ({
  id,
  broker,
  mode,
  currency,
  connected: office.engine?.adapters.get(id)?.connected() ?? false,
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
    if (!NAME_PATTERN.test(name)) {
      const rule = '1 to 40 of a-z, 0-9, ".", "_" and "-", beginning with a letter or a digit';
      return err(
        refuse('invalid_input', 'The name of an account is malformed.', {
          errors: [fieldError('name', name, rule)],
        }),
      );
    }
    const id = accountId(name);
    if (office.accounts.wasTaken(id))
      return err(
        refuse('invalid_input', `The name ${name} was given before, and its books are kept; choose another.`),
      );
    if (cash !== undefined && (!isDecimalText(cash) || cash.startsWith('-'))) {
      const error = fieldError('cash', cash, 'an amount such as 100000 or 2500.50');
      return err(refuse('invalid_input', 'The deposit is not an amount.', { errors: [error] }));
    }
    const settings = { ...paperDefaults(office.config), ...(cash === undefined ? {} : { cash }) };
    const account = addAccount(office, id, settings);
    const { engine } = office;
    if (engine) {
      engine.adapters.set(id, connectAccount(office, engine.feed, account));
      await engine.trading.join(id);
    }
    return ok(shown(office, account));
  },
});

const remove = ownerAct({
  name: 'accounts.remove',
  input: z.strictObject({ name: z.string() }),
  async work(office, { name }) {
    const { accounts, store, audit, access, engine } = office;
    const id = accountId(name);
    const account = accounts.byId(id);
    if (account === undefined) {
      const near = nearest(
        name,
        accounts.list().map((one) => one.id),
      );
      const means = near === null ? {} : { did_you_mean: [near] };
      return err(
        refuse('not_found', `There is no account named ${JSON.stringify(name.slice(0, 60))}.`, means),
      );
    }
    const working = orderTable(store).working({ account: id }).length;
    const held = holdingTable(store)
      .exposed()
      .filter((holding) => holding.account === id)
      .map((holding) => `${text(holding.qty)} ${holding.instrument}`);
    if (working > 0 || held.length > 0) {
      const what = [working > 0 ? `${working} working orders` : '', ...held].filter((part) => part !== '');
      return err(refuse('invalid_input', `${name} still has ${what.join(', ')}: cancel and close first.`));
    }
    store.transaction(() => {
      accounts.remove(id, access.wall());
      audit.record({ kind: 'account.removed', credential: 'owner', door: 'cli', account: id, outcome: 'ok' });
    });
    const adapter = engine?.adapters.get(id);
    engine?.adapters.delete(id);
    await adapter?.close();
    return ok(shown(office, account));
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
  },
});
