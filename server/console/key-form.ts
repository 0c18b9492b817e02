/** The fields of a new key, on whichever page one is made. */
import { z } from 'zod';

const DAY_MS = 86_400_000;

/** How long a key may live, as the form offers it. */
export const KEY_SPANS = [
  { id: '7d', label: '7 days', ms: 7 * DAY_MS },
  { id: '30d', label: '30 days', ms: 30 * DAY_MS },
  { id: '90d', label: '90 days', ms: 90 * DAY_MS },
  { id: '365d', label: 'A year', ms: 365 * DAY_MS },
  { id: '3650d', label: 'Ten years', ms: 3_650 * DAY_MS },
] as const;

/** A form that chooses no scope sends none; the key request says that one is needed. */
export const newKeyFields = {
  scopes: z.union([z.string(), z.array(z.string())]).default([]),
  span: z.enum(KEY_SPANS.map(({ id }) => id)),
  ip_allow: z.string().max(4_000).default(''),
};

type NewKeyValues = z.output<z.ZodObject<typeof newKeyFields>>;

/** The key request of a form. */
export const keyFrom = ({ scopes, span, ip_allow }: NewKeyValues) => ({
  scopes: wordsOf(scopes),
  expiresInMs: KEY_SPANS.find(({ id }) => id === span)?.ms ?? 0,
  ipAllow: wordsOf(ip_allow),
});

/** `a, b` and a list of fields alike. */
export const wordsOf = (given: string | readonly string[]): readonly string[] =>
  [given]
    .flat()
    .flatMap((text) => text.split(/[\s,]+/))
    .filter((word) => word !== '');
