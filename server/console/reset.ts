/** A new passphrase by the link of `portcullis password reset`, with a code where the owner wants one asked for. */
import { z } from 'zod';
import { refuse } from '#domain/refusal.ts';
import { err, ok } from '#domain/result.ts';
import { codeField } from './code-form.ts';
import { defineEntrance, entranceAction } from './define.ts';
import { PASSPHRASE_ADVICE, passphraseField } from './passphrase-form.ts';

export const reset = defineEntrance({
  path: '/reset',
  title: 'New passphrase',
  view: 'reset.html',
  scripts: ['passphrase.js'],
  load({ services, ticket }) {
    const { owner } = services.access;
    const record = owner.record();
    return record !== undefined && ticket !== undefined && owner.resetTicketLive(ticket)
      ? ok({
          advice: PASSPHRASE_ADVICE,
          name: record.name,
          asks_for_code: record.purposes.has('password_reset'),
        })
      : err(refuse('not_found', 'There is nothing at this address.'));
  },
  redeem({ services, visitor }, code) {
    const redeemed = services.access.owner.redeemResetCode(code, visitor);
    return redeemed.ok
      ? { kind: 'ticket', ...redeemed.value, to: '/admin/reset' }
      : { kind: 'refused', refusal: redeemed.error };
  },
  actions: {
    save: entranceAction({
      input: z.strictObject({ passphrase: passphraseField, code: codeField.optional() }),
      async run({ services, visitor, ticket = '' }, { passphrase, code }) {
        const saved = await services.access.owner.resetPassphrase({
          ticket,
          next: passphrase,
          code,
          from: visitor,
        });
        return saved.ok
          ? { kind: 'signed_out', to: '/admin/login?after=reset' }
          : { kind: 'refused', refusal: saved.error };
      },
    }),
  },
});
