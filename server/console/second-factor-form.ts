/** The second factor in forms: the authenticator that is being enrolled, and where a code is asked for. */
import { z } from 'zod';
import { SECOND_FACTOR_PURPOSES, type SecondFactorPurpose, type TotpOffer } from '#access/owner.ts';

/** Each independent of the others. */
export const PURPOSES: readonly {
  readonly id: SecondFactorPurpose;
  readonly label: string;
  readonly words: string;
}[] = [
  { id: 'sign_in', label: 'Signing in', words: 'In a browser that is not trusted, beside the passphrase.' },
  {
    id: 'remote_write',
    label: 'Remote agents that trade',
    words: 'When you let a client from outside this machine place orders.',
  },
  {
    id: 'password_reset',
    label: 'Resetting the passphrase',
    words: 'Beside the one-time link that the command line prints.',
  },
];

/** A form with no box ticked sends none. */
export const purposesInput = z.strictObject({
  purpose: z.union([z.enum(SECOND_FACTOR_PURPOSES), z.array(z.enum(SECOND_FACTOR_PURPOSES))]).default([]),
});

export const purposesFrom = ({ purpose }: z.output<typeof purposesInput>): ReadonlySet<SecondFactorPurpose> =>
  new Set([purpose].flat());

/** In groups of four, as it is typed. */
export const offerView = ({ secret, uri, qrSvg }: TotpOffer) => ({
  secret: secret.match(/.{1,4}/g)?.join(' ') ?? secret,
  uri,
  qr: qrSvg,
});
