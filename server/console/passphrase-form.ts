/** The field in which a passphrase is chosen: what it takes, and what is said of it. */
import { z } from 'zod';
import { PASSPHRASE_LENGTH_ADVISED, PASSPHRASE_LENGTH_MIN } from '#limits.ts';

/** Longer than any passphrase may be, so that what is too long is refused in words; shorter than a form. */
export const passphraseField = z.string().max(1_000);

export const PASSPHRASE_ADVICE = {
  least: PASSPHRASE_LENGTH_MIN,
  advised: PASSPHRASE_LENGTH_ADVISED,
  words: `At least ${PASSPHRASE_LENGTH_MIN} characters, better ${PASSPHRASE_LENGTH_ADVISED} or more: four or five words that have nothing to do with each other are easy to keep and hard to guess. Digits and signs are not required. Pasting is fine.`,
} as const;
