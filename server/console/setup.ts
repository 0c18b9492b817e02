/** The first page a gateway shows: who follows its one-time link becomes the owner, and goes on to the first run. */
import { z } from 'zod';
import { OWNER_CONSOLE } from '#domain/principal.ts';
import { refuse } from '#domain/refusal.ts';
import { err, ok } from '#domain/result.ts';
import { defineEntrance, entranceAction } from './define.ts';
import { PASSPHRASE_ADVICE, passphraseField } from './passphrase-form.ts';
import { stepList } from './welcome-steps.ts';

export const setup = defineEntrance({
  path: '/setup',
  title: 'Set up',
  view: 'setup.html',
  scripts: ['passphrase.js'],
  // Nobody learns from this page whether there is anything to set up.
  load: ({ services, ticket }) =>
    ticket !== undefined && services.access.owner.setupTicketLive(ticket)
      ? ok({ advice: PASSPHRASE_ADVICE, steps: stepList('owner') })
      : err(refuse('not_found', 'There is nothing at this address.')),
  redeem({ services, visitor }, code) {
    const redeemed = services.access.owner.redeemSetupCode(code, visitor);
    return redeemed.ok
      ? { kind: 'ticket', ...redeemed.value, to: '/admin/setup' }
      : { kind: 'refused', refusal: redeemed.error };
  },
  actions: {
    create: entranceAction({
      input: z.strictObject({ name: z.string().max(100), passphrase: passphraseField }),
      async run({ services, visitor, ticket }, { name, passphrase }) {
        const { owner, firstRun } = services.access;
        // Before there is an owner, so that no interruption leaves one who is not led on.
        if (ticket !== undefined && owner.setupTicketLive(ticket)) firstRun.begin();
        const made = await owner.create({ name: name.trim(), passphrase, by: OWNER_CONSOLE, ticket });
        if (!made.ok) return { kind: 'refused', refusal: made.error };
        const { token } = owner.openSession(visitor);
        return { kind: 'signed_in', token, to: '/admin/welcome' };
      },
    }),
  },
});
