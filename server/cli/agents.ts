/** `portcullis agents`: whom the owner lets act, and halting one of them. */
import { z } from 'zod';
import { OWNER_CLI } from '#domain/principal.ts';
import { ok } from '#domain/result.ts';
import { ownerAct } from './act.ts';
import { ask } from './ask.ts';
import { defineCommand, JSON_OPTION } from './command.ts';
import type { Office } from './office.ts';
import { iso, isoOrNull, printObject, printTable } from './print.ts';

type AgentRecord = NonNullable<ReturnType<Office['access']['agents']['byName']>>;

function shownAgent(office: Office, { id, name, createdAtMs, halted }: AgentRecord) {
  const { agents, mandates } = office.access;
  const mandate = mandates.current(id);
  const { state, reason } = agents.stateOf(id);
  return {
    name,
    id,
    accounts: agents.accountsOf(id),
    trading_state: state,
    state_reason: reason,
    halted_by: halted?.by ?? null,
    mandate:
      mandate === undefined
        ? null
        : {
            version: mandate.version,
            expires_at: isoOrNull(mandate.expiresAtMs),
            revoked_at: isoOrNull(mandate.revokedAtMs),
          },
    created_at: iso(createdAtMs),
  };
}

const list = ownerAct({
  name: 'agents.list',
  input: z.strictObject({}),
  work: (office) => ok({ agents: office.access.agents.list().map((agent) => shownAgent(office, agent)) }),
});

const create = ownerAct({
  name: 'agents.create',
  widens: true,
  input: z.strictObject({ name: z.string(), accounts: z.array(z.string()).optional() }),
  work(office, { name, accounts }) {
    const made = office.access.agents.create(name, accounts, OWNER_CLI);
    return made.ok ? ok(shownAgent(office, made.value)) : made;
  },
});

const halt = ownerAct({
  name: 'agents.halt',
  input: z.strictObject({ name: z.string() }),
  work(office, { name }) {
    const halted = office.access.agents.halt(name, OWNER_CLI, 'cli');
    return halted.ok ? ok(shownAgent(office, halted.value)) : halted;
  },
});

const lift = ownerAct({
  name: 'agents.lift',
  widens: true,
  input: z.strictObject({ name: z.string() }),
  work(office, { name }) {
    const lifted = office.access.agents.lift(name, OWNER_CLI);
    return lifted.ok ? ok(shownAgent(office, lifted.value)) : lifted;
  },
});

/** `a,b` as a list. */
export const commaList = (given: string | undefined): string[] | undefined =>
  given
    ?.split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

export const agents = defineCommand({
  name: 'agents',
  summary: 'Whom the owner lets act.',
  verbs: {
    list: {
      summary: 'Lists agents with their trading state and mandate.',
      options: JSON_OPTION,
      act: list,
      async run(invocation) {
        const listed = await ask(invocation, list, {});
        if (invocation.flag('json')) printObject(invocation, listed);
        else
          printTable(
            invocation,
            listed.agents.map((agent) => ({
              NAME: agent.name,
              STATE: agent.trading_state,
              REASON: agent.state_reason,
              ACCOUNTS: agent.accounts.join(','),
              MANDATE: agent.mandate === null ? 'none' : `version ${agent.mandate.version}`,
            })),
            'No agents yet; `portcullis keys create --agent NAME --scopes read:market,read:account` makes one with a key.',
          );
        return 0;
      },
    },
    create: {
      summary: 'Creates an agent; it reads the accounts given (paper unless said otherwise).',
      words: ['NAME'],
      options: { accounts: { type: 'string', value: 'A,B', about: 'accounts it may read' }, ...JSON_OPTION },
      act: create,
      async run(invocation) {
        const [name = ''] = invocation.words;
        const accounts = commaList(invocation.text('accounts'));
        const made = await ask(invocation, create, { name, ...(accounts ? { accounts } : {}) });
        if (invocation.flag('json')) printObject(invocation, made);
        else {
          invocation.terminal.say(
            `Agent ${made.name} may read ${made.accounts.join(', ')} and trade nothing yet.`,
          );
          invocation.terminal.say(
            `Next: a key (portcullis keys create --agent ${made.name} --scopes read:market,read:account,write:orders), then a mandate (portcullis mandates set ${made.name} --file mandate.json).`,
          );
        }
        return 0;
      },
    },
    halt: {
      summary: 'Halts an agent: it may cancel its orders and close its positions, nothing else.',
      words: ['NAME'],
      options: JSON_OPTION,
      act: halt,
      async run(invocation) {
        const [name = ''] = invocation.words;
        const halted = await ask(invocation, halt, { name });
        if (invocation.flag('json')) printObject(invocation, halted);
        else invocation.terminal.say(`Agent ${halted.name} is ${halted.trading_state}.`);
        return 0;
      },
    },
    lift: {
      summary: 'Ends the halt of an agent, its own and the one after a daily loss.',
      words: ['NAME'],
      options: JSON_OPTION,
      act: lift,
      async run(invocation) {
        const [name = ''] = invocation.words;
        const lifted = await ask(invocation, lift, { name });
        if (invocation.flag('json')) printObject(invocation, lifted);
        else
          invocation.terminal.say(
            `Agent ${lifted.name} is ${lifted.trading_state}${lifted.state_reason === null ? '' : ` (${lifted.state_reason})`}.`,
          );
        return 0;
      },
    },
  },
});
