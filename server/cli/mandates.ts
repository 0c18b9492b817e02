/** `portcullis mandates`: how much an agent may do, from a file that the owner writes. */
import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import type { Mandate, MandateDocument } from '#domain/mandate.ts';
import { nearest } from '#domain/nearest.ts';
import { OWNER_CLI } from '#domain/principal.ts';
import { refuse } from '#domain/refusal.ts';
import { err, ok } from '#domain/result.ts';
import { MANDATE_FILE_BYTES_MAX } from '#limits.ts';
import { ownerAct } from './act.ts';
import { ask } from './ask.ts';
import { CommandError, defineCommand, JSON_OPTION, UsageError } from './command.ts';
import { isoOrNull, printObject } from './print.ts';

const shown = (agent: string, { version, document, revokedAtMs }: Mandate) => ({
  agent,
  version,
  mandate: document,
  revoked_at: isoOrNull(revokedAtMs),
});

const set = ownerAct({
  name: 'mandates.set',
  widens: true,
  input: z.strictObject({ agent: z.string(), document: z.unknown() }),
  work({ access, engine }, { agent, document }) {
    const saved = access.mandates.set(agent, document, OWNER_CLI);
    if (!saved.ok) return saved;
    // Without a gateway there are neither feeds nor quotes to tell it by.
    const warnings = engine?.trading.owner.mandateWarnings(saved.value) ?? [];
    return ok({ ...shown(agent, saved.value), warnings });
  },
});

const show = ownerAct({
  name: 'mandates.show',
  input: z.strictObject({ agent: z.string() }),
  work({ access }, { agent }) {
    const found = access.agents.byName(agent);
    if (found === undefined) {
      const names = access.agents.list().map((one) => one.name);
      const near = nearest(agent, names);
      return err(
        refuse(
          'not_found',
          `There is no agent named ${JSON.stringify(agent.slice(0, 60))}; see \`portcullis agents list\`.`,
          near === null ? {} : { did_you_mean: [near] },
        ),
      );
    }
    const mandate = access.mandates.current(found.id);
    if (mandate === undefined)
      return err(
        refuse(
          'no_mandate',
          `${agent} has no mandate; give it one: portcullis mandates set ${agent} --file mandate.json`,
        ),
      );
    return ok(shown(agent, mandate));
  },
});

const revoke = ownerAct({
  name: 'mandates.revoke',
  input: z.strictObject({ agent: z.string() }),
  work({ access }, { agent }) {
    const revoked = access.mandates.revoke(agent, OWNER_CLI);
    return revoked.ok ? ok(shown(agent, revoked.value)) : revoked;
  },
});

/** Small on purpose: whoever copies it without reading risks little. */
export const EXAMPLE_MANDATE: z.input<typeof MandateDocument> = {
  accounts: ['paper'],
  symbols: ['SPX'],
  sides: ['buy', 'sell'],
  order_types: ['market', 'limit', 'stop', 'stop_limit', 'trailing_stop'],
  max_order_qty: '10',
  max_order_value: '10000',
  max_daily_value: '50000',
  max_daily_orders: 50,
  max_daily_loss: '500',
  max_open_orders: 10,
  max_gross_exposure: '50000',
  trading_hours: 'any',
  expires_at: null,
  approval: 'never',
};

/** Throws CommandError when it is not a file of JSON. */
function readDocument(file: string): unknown {
  let text: string;
  try {
    if (statSync(file).size > MANDATE_FILE_BYTES_MAX) throw new Error('it is too large to be a mandate');
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new CommandError(`The mandate ${file} can not be read: ${(cause as Error).message}.`);
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new CommandError(`The mandate ${file} is not JSON: ${(cause as Error).message}.`);
  }
}

export const mandates = defineCommand({
  name: 'mandates',
  summary: 'How much an agent may do.',
  verbs: {
    example: {
      summary: 'Prints a mandate to begin with: portcullis mandates example > mandate.json',
      run(invocation) {
        invocation.terminal.say(JSON.stringify(EXAMPLE_MANDATE, null, 2));
        return 0;
      },
    },
    set: {
      summary: 'Gives an agent the mandate in a file, in place of the one it has.',
      words: ['AGENT'],
      options: { file: { type: 'string', value: 'F', about: 'the mandate, as JSON' }, ...JSON_OPTION },
      act: set,
      async run(invocation) {
        const [agent = ''] = invocation.words;
        const file = invocation.text('file');
        if (file === undefined) throw new UsageError('--file is missing: the mandate, as JSON.');
        const saved = await ask(invocation, set, { agent, document: readDocument(file) });
        if (invocation.flag('json')) printObject(invocation, saved);
        else
          invocation.terminal.say(
            `The mandate of ${agent} is saved as version ${saved.version} and in force.`,
          );
        for (const warning of saved.warnings) invocation.terminal.warn(`Note: ${warning}`);
        return 0;
      },
    },
    show: {
      summary: 'Shows the mandate of an agent.',
      words: ['AGENT'],
      options: JSON_OPTION,
      act: show,
      async run(invocation) {
        const [agent = ''] = invocation.words;
        printObject(invocation, await ask(invocation, show, { agent }));
        return 0;
      },
    },
    revoke: {
      summary: 'Takes the mandate away: the agent may only reduce until it has a new one.',
      words: ['AGENT'],
      options: JSON_OPTION,
      act: revoke,
      async run(invocation) {
        const [agent = ''] = invocation.words;
        const revoked = await ask(invocation, revoke, { agent });
        if (invocation.flag('json')) printObject(invocation, revoked);
        else invocation.terminal.say(`The mandate of ${agent} is revoked: it may only reduce.`);
        return 0;
      },
    },
  },
});
