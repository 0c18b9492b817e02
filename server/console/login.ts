/** Signing in: one form, and one answer to everything that is wrong with it. */
import { z } from 'zod';
import { ok } from '#domain/result.ts';
import { codeField } from './code-form.ts';
import { defineEntrance, entranceAction } from './define.ts';
import { passphraseField } from './passphrase-form.ts';
import { resumesFirstRun } from './welcome-progress.ts';

/** Only ever a page of ours: a way back must not lead elsewhere, by whatever spelling. */
export function ownPath(given: string | undefined): string {
  if (given === undefined || !given.startsWith('/admin') || /[\\\s]/.test(given)) return '/admin';
  // As a browser will read it: with `..` taken, and what is encoded left as it is.
  const { pathname, search } = new URL(given, 'http://own.invalid');
  return /^\/admin(?:\/|$)/.test(pathname) ? pathname + search : '/admin';
}

/** What brought somebody here, in words. */
const ARRIVALS: ReadonlyMap<string, string> = new Map([
  ['reset', 'The passphrase is changed, and every browser is signed out. Sign in with the new one.'],
  ['sign-out', 'You are signed out.'],
]);

export const login = defineEntrance({
  path: '/login',
  title: 'Sign in',
  view: 'login.html',
  scripts: ['passphrase.js'],
  away: ({ signedIn, query }) => (signedIn ? ownPath(query['next']) : undefined),
  load: ({ services, visitor, query }) =>
    ok({
      claimed: services.access.owner.record() !== undefined,
      asks_for_code: services.access.owner.asksForCode(visitor),
      arrival: ARRIVALS.get(query['after'] ?? '') ?? null,
      next: ownPath(query['next']),
    }),
  actions: {
    in: entranceAction({
      input: z.strictObject({
        name: z.string().max(100),
        passphrase: passphraseField,
        code: codeField.optional(),
        trust: z.literal('yes').optional(),
        next: z.string().max(2_000),
      }),
      async run({ services, visitor }, { name, passphrase, code, trust, next }) {
        const { owner } = services.access;
        const signed = await owner.signIn({
          name,
          passphrase,
          code,
          trustDevice: trust === 'yes',
          from: visitor,
        });
        if (!signed.ok) return { kind: 'refused', refusal: signed.error };
        const { token, deviceToken, usedRecoveryCode } = signed.value;
        const wanted = ownPath(next);
        return {
          kind: 'signed_in',
          token,
          to: wanted === '/admin' && resumesFirstRun(services) ? '/admin/welcome' : wanted,
          ...(deviceToken === undefined ? {} : { deviceToken }),
          ...(usedRecoveryCode ? { notice: recoveryNotice(owner.record()?.recoveryCodesLeft ?? 0) } : {}),
        };
      },
    }),
  },
});

function recoveryNotice(left: number): string {
  const rest = left === 0 ? 'none is left' : left === 1 ? 'one is left' : `${left} are left`;
  return `That recovery code is used up; ${rest}. You can make new ones under Security.`;
}
