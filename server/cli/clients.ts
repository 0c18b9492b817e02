/** `portcullis clients`: remote clients that ask to be let in, letting them in, and every way of ending what they hold. */
import type { z } from 'zod';
import { NAME_PATTERN, NAME_RULE, SCOPES } from '#domain/principal.ts';
import { noSuchClient } from '#oauth/client-choice.ts';
import { STAGE_LABELS } from '#oauth/diagnosis-words.ts';
import { redirectHost } from '#oauth/redirect-uri.ts';
import { commaList } from './agents.ts';
import { ask } from './ask.ts';
import {
  approve,
  type clientWire,
  connections,
  type connectionWire,
  create,
  disconnectAll,
  list,
  remove,
  revoke,
  rotateKeys,
  scopes,
} from './client-acts.ts';
import { defineCommand, type Invocation, JSON_OPTION, RefusedError, UsageError } from './command.ts';
import { printObject, printTable } from './print.ts';

type Wire = ReturnType<typeof clientWire>;

/** The scopes of an option, refused by name before anybody is asked for a passphrase. */
function scopesOption(invocation: Invocation): z.output<typeof scopes> | undefined {
  const given = commaList(invocation.text('scopes'));
  if (given === undefined) return undefined;
  const parsed = scopes.safeParse(given);
  if (!parsed.success) throw new UsageError(`--scopes takes one or more of ${SCOPES.join(',')}.`);
  return parsed.data;
}

/** The same of an agent's name: a code is good once, and must not go for what is refused anyway. */
function agentOption(invocation: Invocation): string | undefined {
  const given = invocation.text('agent');
  if (given !== undefined && !NAME_PATTERN.test(given)) throw new UsageError(`--agent takes ${NAME_RULE}.`);
  return given;
}

/** On standard error, before the proof is asked for: what is being let in, in what can be compared. */
function showWho({ terminal }: Invocation, client: Wire): void {
  terminal.warn(
    `It calls itself ${JSON.stringify(client.name)} (not checked); fingerprint ${client.fingerprint}.`,
  );
  terminal.warn(`Codes for it go to ${client.redirect_uris.join(', ')}.`);
}

/** Or the beginning of an id, as the act itself takes it. */
const matches =
  (id: string) =>
  (one: Wire): boolean =>
    one.fingerprint.startsWith(id.toLowerCase()) ||
    [one.id, one.client_id, one.id.replace(/^client_/, '')].some((known) => known.startsWith(id));

const SCOPES_OPTION = {
  scopes: { type: 'string', value: 'A,B', about: `what it may hold at most: ${SCOPES.join(', ')}` },
} as const;

export const clients = defineCommand({
  name: 'clients',
  summary: 'Remote clients: who asks to be let in, and who is.',
  verbs: {
    list: {
      summary: 'Lists remote clients, those that are not let in yet first.',
      options: JSON_OPTION,
      act: list,
      async run(invocation) {
        const listed = await ask(invocation, list, {});
        if (invocation.flag('json')) printObject(invocation, listed);
        else
          printTable(
            invocation,
            listed.clients.map((client) => ({
              ID: client.id,
              STATE: client.state,
              NAME: client.name,
              FINGERPRINT: client.fingerprint,
              'ANSWERED AT': [...new Set(client.redirect_uris.map(redirectHost))].join(','),
              AGENT: client.agent,
              SCOPES: client.scopes.join(',') || null,
              GRANTS: client.live_grants,
              'LAST USED': client.last_used_at,
            })),
            'No remote client has asked yet.',
          );
        return 0;
      },
    },
    approve: {
      summary:
        'Lets a client in: as a new agent named after it, unless you name one; to read, unless you say more.',
      words: ['ID'],
      options: {
        agent: { type: 'string', value: 'NAME', about: 'the agent it acts as; made when there is none' },
        ...SCOPES_OPTION,
        ...JSON_OPTION,
      },
      act: approve,
      async run(invocation) {
        const [id = ''] = invocation.words;
        const chosen = scopesOption(invocation);
        const agent = agentOption(invocation);
        const [known, ...others] = (await ask(invocation, list, {})).clients.filter(matches(id));
        // A mistyped id costs no code.
        if (!known) throw new RefusedError(noSuchClient());
        if (others.length === 0) showWho(invocation, known);
        const done = await ask(invocation, approve, {
          id,
          ...(agent === undefined ? {} : { agent }),
          ...(chosen === undefined ? {} : { scopes: chosen }),
        });
        if (invocation.flag('json')) printObject(invocation, done);
        else {
          invocation.terminal.say(
            `Approved ${done.id}: it acts as ${done.agent ?? ''} and may hold ${done.scopes.join(', ')} at most.`,
          );
          invocation.terminal.say(
            'Next: press Continue in the page that its host opened, or connect again from the host.',
          );
        }
        return 0;
      },
    },
    revoke: {
      summary: 'Rejects or revokes a client: none of its tokens opens anything from then on.',
      words: ['ID'],
      options: JSON_OPTION,
      act: revoke,
      async run(invocation) {
        const [id = ''] = invocation.words;
        const done = await ask(invocation, revoke, { id });
        if (invocation.flag('json')) printObject(invocation, done);
        else invocation.terminal.say(`The client ${done.id} is ${done.state}.`);
        return 0;
      },
    },
    remove: {
      summary: 'Forgets a client and its grants; its host has to remove and add the connector to ask anew.',
      words: ['ID'],
      options: JSON_OPTION,
      act: remove,
      async run(invocation) {
        const [id = ''] = invocation.words;
        const done = await ask(invocation, remove, { id });
        if (invocation.flag('json')) printObject(invocation, done);
        else invocation.terminal.say(`The client ${done.id} is removed.`);
        return 0;
      },
    },
    create: {
      summary: 'Makes a client by hand, for a host that can not register by itself.',
      words: ['NAME'],
      options: {
        redirect: { type: 'string', value: 'URL,…', about: 'where the host is answered, as it names it' },
        agent: { type: 'string', value: 'NAME', about: 'the agent it acts as; made when there is none' },
        ...SCOPES_OPTION,
        secret: { type: 'boolean', about: 'with a secret, which is printed this once' },
        ...JSON_OPTION,
      },
      act: create,
      async run(invocation) {
        const [name = ''] = invocation.words;
        const agent = agentOption(invocation);
        const redirects = commaList(invocation.text('redirect'));
        if (agent === undefined || redirects === undefined)
          throw new UsageError('Name the agent with --agent and where the host is answered with --redirect.');
        const made = await ask(invocation, create, {
          name,
          agent,
          redirect_uris: redirects,
          scopes: scopesOption(invocation) ?? ['read:market', 'read:account'],
          secret: invocation.flag('secret'),
        });
        if (invocation.flag('json')) printObject(invocation, made);
        else {
          invocation.terminal.say(`Client id: ${made.client_id}`);
          if (made.secret !== null) invocation.terminal.say(`Secret, shown this once: ${made.secret}`);
        }
        return 0;
      },
    },
    'disconnect-all': {
      summary:
        'Ends every session and grant of every remote client, and nothing else; clients stay approved.',
      options: JSON_OPTION,
      act: disconnectAll,
      async run(invocation) {
        const done = await ask(invocation, disconnectAll, {});
        if (invocation.flag('json')) printObject(invocation, done);
        else
          invocation.terminal.say(
            `Every remote client is disconnected; ${done.grants_ended} ${done.grants_ended === 1 ? 'grant' : 'grants'} ended.`,
          );
        return 0;
      },
    },
    'rotate-keys': {
      summary: 'Signs tokens with a new key from now on; those there are stay good until they end.',
      options: JSON_OPTION,
      act: rotateKeys,
      async run(invocation) {
        const done = await ask(invocation, rotateKeys, {});
        if (invocation.flag('json')) printObject(invocation, done);
        else invocation.terminal.say(`The key ${done.kid} signs from now on.`);
        return 0;
      },
    },
    connections: {
      summary: 'Says how far each connection came, and what to do where one is stuck.',
      options: JSON_OPTION,
      act: connections,
      async run(invocation) {
        const listed = await ask(invocation, connections, {});
        if (invocation.flag('json')) printObject(invocation, listed);
        else if (listed.connections.length === 0) invocation.terminal.say('Nobody has tried to connect yet.');
        else for (const one of listed.connections) invocation.terminal.say(inWords(one));
        return 0;
      },
    },
  },
});

function inWords(one: ReturnType<typeof connectionWire>): string {
  const who = one.name === null ? one.subject : `${JSON.stringify(one.name)} (${one.subject})`;
  const way = one.stages
    .map(({ stage, state, error }) => `${STAGE_LABELS[stage]} ${error ?? state}`)
    .join(' > ');
  return [`${who}, ${one.last_at}: ${one.verdict.replace('_', ' ')}`, `  ${way}`, `  ${one.says} ${one.todo}`]
    .join('\n')
    .trimEnd();
}
