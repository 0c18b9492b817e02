/** `portcullis keys`: API keys, each of one agent; a key is shown once, when it is made. */
import { z } from 'zod';
import type { NewKey } from '#access/api-keys.ts';
import type { KeyRecord } from '#access/key-table.ts';
import { OWNER_CLI } from '#domain/principal.ts';
import { ok } from '#domain/result.ts';
import { ownerAct } from './act.ts';
import { commaList } from './agents.ts';
import { ask } from './ask.ts';
import { defineCommand, type Invocation, JSON_OPTION, UsageError } from './command.ts';
import { iso, isoOrNull, printObject, printTable } from './print.ts';

const shownKey = (key: KeyRecord) => ({
  id: key.id,
  agent: key.agent,
  scopes: key.scopes,
  ip_allow: key.ipAllow,
  created_at: iso(key.createdAtMs),
  expires_at: iso(key.expiresAtMs),
  last_used_at: isoOrNull(key.lastUsedAtMs),
  revoked_at: isoOrNull(key.revokedAtMs),
  rotated_to: key.rotatedTo,
});
const newKey = ({ id, agent, scopes, key, expiresAtMs }: NewKey, hasMandate: boolean) => ({
  id,
  agent,
  scopes,
  key,
  expires_at: iso(expiresAtMs),
  has_mandate: hasMandate,
});

const create = ownerAct({
  name: 'keys.create',
  widens: true,
  input: z.strictObject({
    agent: z.string(),
    scopes: z.array(z.string()),
    expiresInMs: z.number().optional(),
    ipAllow: z.array(z.string()).optional(),
  }),
  work({ access }, { agent, scopes, expiresInMs, ipAllow }) {
    const made = access.keys.create({
      agent,
      scopes,
      by: OWNER_CLI,
      ...(expiresInMs === undefined ? {} : { expiresInMs }),
      ...(ipAllow === undefined ? {} : { ipAllow }),
    });
    if (!made.ok) return made;
    const owner = access.agents.byName(agent);
    return ok(newKey(made.value, owner !== undefined && access.mandates.current(owner.id) !== undefined));
  },
});

const list = ownerAct({
  name: 'keys.list',
  input: z.strictObject({}),
  work: ({ access }) => ok({ keys: access.keys.list().map(shownKey) }),
});

const rotate = ownerAct({
  name: 'keys.rotate',
  widens: true,
  input: z.strictObject({ id: z.string() }),
  work({ access }, { id }) {
    const made = access.keys.rotate(id, OWNER_CLI);
    return made.ok ? ok(newKey(made.value, true)) : made;
  },
});

const revoke = ownerAct({
  name: 'keys.revoke',
  input: z.strictObject({ id: z.string() }),
  work({ access }, { id }) {
    const revoked = access.keys.revoke(id, OWNER_CLI);
    return revoked.ok ? ok(shownKey(revoked.value)) : revoked;
  },
});

const UNITS_MS: ReadonlyMap<string, number> = new Map([
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
  ['w', 604_800_000],
]);

/** `90d`, `12h`; throws UsageError. */
function spanMs(given: string): number {
  const [, count = '', unit = ''] = /^(\d{1,6})([smhdw])$/.exec(given) ?? [];
  const unitMs = UNITS_MS.get(unit);
  if (unitMs === undefined)
    throw new UsageError(`--expires takes a span such as 90d, 12h or 30m, not ${JSON.stringify(given)}.`);
  return Number(count) * unitMs;
}

function required(invocation: Invocation, option: string, example: string): string {
  const given = invocation.text(option);
  if (given === undefined) throw new UsageError(`--${option} is missing, such as ${example}.`);
  return given;
}

/** The key goes out once; what to do with it goes to standard error, so that a script can read the rest. */
function printKey(invocation: Invocation, made: ReturnType<typeof newKey>): void {
  const { has_mandate: hasMandate, ...shown } = made;
  printObject(invocation, shown);
  invocation.terminal.warn('Keep the key now: it is not shown again.');
  if (!hasMandate && made.scopes.includes('write:orders'))
    invocation.terminal.warn(
      `${made.agent} has no mandate, so it may trade nothing yet: portcullis mandates set ${made.agent} --file mandate.json`,
    );
}

export const keys = defineCommand({
  name: 'keys',
  summary: 'API keys of agents.',
  verbs: {
    create: {
      summary: 'Makes a key for an agent, which is created when it is new; the key is shown once.',
      options: {
        agent: { type: 'string', value: 'NAME', about: 'whose key it is' },
        scopes: { type: 'string', value: 'A,B', about: 'of read:market, read:account, write:orders' },
        expires: {
          type: 'string',
          value: 'SPAN',
          about: 'how long it lives, such as 90d (the default) or 12h',
        },
        'ip-allow': { type: 'string', value: 'CIDR,…', about: 'addresses it may be used from' },
        ...JSON_OPTION,
      },
      act: create,
      async run(invocation) {
        const agent = required(invocation, 'agent', '--agent claude');
        const scopes = commaList(required(invocation, 'scopes', '--scopes read:market,read:account')) ?? [];
        const expires = invocation.text('expires');
        const ipAllow = commaList(invocation.text('ip-allow'));
        const made = await ask(invocation, create, {
          agent,
          scopes,
          ...(expires === undefined ? {} : { expiresInMs: spanMs(expires) }),
          ...(ipAllow === undefined ? {} : { ipAllow }),
        });
        printKey(invocation, made);
        return 0;
      },
    },
    list: {
      summary: 'Lists keys, never the keys themselves.',
      options: JSON_OPTION,
      act: list,
      async run(invocation) {
        const listed = await ask(invocation, list, {});
        if (invocation.flag('json')) printObject(invocation, listed);
        else
          printTable(
            invocation,
            listed.keys.map((key) => ({
              ID: key.id,
              AGENT: key.agent,
              SCOPES: key.scopes.join(','),
              EXPIRES: key.expires_at,
              'LAST USED': key.last_used_at,
              REVOKED: key.revoked_at,
            })),
            'No keys yet; `portcullis keys create` makes one.',
          );
        return 0;
      },
    },
    rotate: {
      summary: 'Makes a new key with the same agent, scopes and span; the old one ends at once.',
      words: ['ID'],
      options: JSON_OPTION,
      act: rotate,
      async run(invocation) {
        const [id = ''] = invocation.words;
        printKey(invocation, await ask(invocation, rotate, { id }));
        return 0;
      },
    },
    revoke: {
      summary: 'Ends a key at once.',
      words: ['ID'],
      options: JSON_OPTION,
      act: revoke,
      async run(invocation) {
        const [id = ''] = invocation.words;
        const revoked = await ask(invocation, revoke, { id });
        if (invocation.flag('json')) printObject(invocation, revoked);
        else invocation.terminal.say(`The key ${revoked.id} of ${revoked.agent} opens nothing any more.`);
        return 0;
      },
    },
  },
});
