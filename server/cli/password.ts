/** `portcullis password`: the way back for an owner who has forgotten the passphrase. */
import { z } from 'zod';
import { err } from '#domain/result.ts';
import { ownerAct } from './act.ts';
import { ask } from './ask.ts';
import { defineCommand, JSON_OPTION } from './command.ts';
import { linkFrom, RESET_PATH } from './console-link.ts';
import { NO_OWNER } from './owner-proof.ts';
import { printLink } from './print.ts';

const reset = ownerAct({
  name: 'owner.reset-link',
  input: z.strictObject({}),
  work(office) {
    const { owner } = office.access;
    if (owner.record() === undefined) return err(NO_OWNER);
    return linkFrom(office, RESET_PATH, () => owner.issueResetLink());
  },
});

export const password = defineCommand({
  name: 'password',
  summary: 'A new passphrase for an owner who has forgotten the old one.',
  verbs: {
    reset: {
      summary:
        'Prints a one-time link under which the owner chooses a new passphrase; nothing changes before that.',
      options: JSON_OPTION,
      act: reset,
      async run(invocation) {
        printLink(invocation, await ask(invocation, reset, {}));
        return 0;
      },
    },
  },
});
