/** `portcullis setup`: names the owner without a browser, with an engine running or without. */
import { z } from 'zod';
import { OWNER_CLI } from '#domain/principal.ts';
import { err, ok } from '#domain/result.ts';
import { PASSPHRASE_LENGTH_ADVISED, PASSPHRASE_LENGTH_MIN } from '#limits.ts';
import { ownerAct } from './act.ts';
import { ask, fromPerson } from './ask.ts';
import {
  CommandError,
  defineCommand,
  type Invocation,
  JSON_OPTION,
  RefusedError,
  UsageError,
} from './command.ts';
import { CONSOLE_PATH, consoleUrl } from './console-link.ts';
import { canAsk } from './hidden-prompt.ts';
import { HAS_OWNER, proofAsked } from './owner-proof.ts';
import { readPasswordFile } from './password-file.ts';
import { iso, printObject } from './print.ts';
import { request } from './reach.ts';

const create = ownerAct({
  name: 'owner.setup',
  input: z.strictObject({ name: z.string(), passphrase: z.string() }),
  async work({ access, engine }, { name, passphrase }) {
    if (access.owner.record() !== undefined) return err(HAS_OWNER);
    const made = await access.owner.create({ name, passphrase, by: OWNER_CLI });
    if (!made.ok) return made;
    const url = engine?.url();
    return ok({
      owner: made.value.name,
      created_at: iso(made.value.createdAtMs),
      console: url === undefined ? null : consoleUrl(url, CONSOLE_PATH),
    });
  },
});

export const setup = defineCommand({
  name: 'setup',
  summary: 'Become the owner without a browser.',
  verbs: {
    '': {
      summary:
        'Names the owner of a gateway that has none; from then on, what widens asks for the passphrase.',
      options: {
        owner: { type: 'string', value: 'NAME', about: 'the name to sign in with' },
        'password-file': {
          type: 'string',
          value: 'FILE',
          about: `file with the passphrase, of at least ${PASSPHRASE_LENGTH_MIN} characters and better ${PASSPHRASE_LENGTH_ADVISED} (a terminal asks for it otherwise)`,
        },
        ...JSON_OPTION,
      },
      act: create,
      async run(invocation) {
        const name = invocation.text('owner');
        if (name === undefined) throw new UsageError('--owner is missing: the name to sign in with.');
        const made = await ask(invocation, create, { name, passphrase: await chosen(invocation) });
        if (invocation.flag('json')) printObject(invocation, made);
        else
          invocation.terminal.say(
            `${made.owner} is the owner of this gateway. ${
              made.console === null
                ? 'Start it (npm start) and sign in to its console.'
                : `Sign in: ${made.console}`
            }`,
          );
        return 0;
      },
    },
  },
});

/** Throws CommandError. */
async function chosen(invocation: Invocation): Promise<string> {
  const file = invocation.text('password-file');
  if (file !== undefined) return readPasswordFile(file);
  if (!canAsk())
    throw new CommandError('Nobody can be asked for a passphrase here: give it with --password-file FILE.');
  const { asked } = await request(invocation, proofAsked, { input: {} });
  if (asked !== 'nothing') throw new RefusedError(HAS_OWNER);
  const first = await fromPerson('Passphrase: ');
  if ((await fromPerson('Once more: ')) !== first)
    throw new CommandError('The two were not the same; nothing was done.');
  return first;
}
