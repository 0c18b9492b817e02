/** `portcullis setup-link`: a fresh one-time link under which somebody becomes the owner of a gateway that has none. */
import { z } from 'zod';
import { err } from '#domain/result.ts';
import { ownerAct } from './act.ts';
import { ask } from './ask.ts';
import { defineCommand, JSON_OPTION } from './command.ts';
import { linkFrom, SETUP_PATH } from './console-link.ts';
import { HAS_OWNER } from './owner-proof.ts';
import { printLink } from './print.ts';

const act = ownerAct({
  name: 'owner.setup-link',
  input: z.strictObject({}),
  work(office) {
    const { owner } = office.access;
    if (owner.record() !== undefined) return err(HAS_OWNER);
    return linkFrom(office, SETUP_PATH, () => owner.issueSetupCode());
  },
});

export const setupLink = defineCommand({
  name: 'setup-link',
  summary: 'Print a one-time link under which you become the owner in a browser.',
  verbs: {
    '': {
      summary:
        'Prints a link to open on this machine, good once; the one printed before opens nothing any more.',
      options: JSON_OPTION,
      act,
      async run(invocation) {
        printLink(invocation, await ask(invocation, act, {}));
        return 0;
      },
    },
  },
});
