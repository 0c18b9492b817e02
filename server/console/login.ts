/** Signing in: one form, and one answer to everything that is wrong with it. */
import { z } from 'zod';
import { ok } from '#domain/result.ts';
import { defineEntrance, entranceAction } from './define.ts';

const PASSPHRASE_LENGTH_SENT_MAX = 1_000;

/** Only ever a page of ours: a way back must not lead elsewhere. */
export const ownPath = (given: string | undefined): string =>
  given !== undefined && /^\/admin(?:[/?]|$)/.test(given) && !/[\\\s]/.test(given) ? given : '/admin';

export const login = defineEntrance({
  path: '/login',
  title: 'Sign in',
  view: 'login.html',
  load: ({ services, visitor, query }) =>
    ok({
      claimed: services.access.owner.record() !== undefined,
      asks_for_code: services.access.owner.asksForCode(visitor),
      next: ownPath(query['next']),
    }),
  actions: {
    in: entranceAction({
      input: z.strictObject({
        name: z.string().max(100),
        passphrase: z.string().max(PASSPHRASE_LENGTH_SENT_MAX),
        code: z.string().max(100).optional(),
        trust: z.literal('yes').optional(),
        next: z.string().max(2_000),
      }),
      async run({ services, visitor }, { name, passphrase, code, trust, next }) {
        const signed = await services.access.owner.signIn({
          name: name.trim(),
          passphrase,
          ...(code === undefined || code.trim() === '' ? {} : { code: code.trim() }),
          trustDevice: trust === 'yes',
          from: visitor,
        });
        if (!signed.ok) return { kind: 'refused', refusal: signed.error };
        const { token, deviceToken, usedRecoveryCode } = signed.value;
        return {
          kind: 'signed_in',
          token,
          to: ownPath(next),
          ...(deviceToken === undefined ? {} : { deviceToken }),
          ...(usedRecoveryCode
            ? { notice: 'That recovery code is used up. Make new ones under Security.' }
            : {}),
        };
      },
    }),
  },
});
