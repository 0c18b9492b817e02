/** Leaves secrets out of what is recorded, and whatever could steer the terminal or page of who reads it. */
import { printable } from '#domain/refusal.ts';
import type { JsonValue } from './line.ts';

export interface RedactBounds {
  readonly textLengthMax: number;
  readonly depthMax: number;
}

const LEFT_OUT = '[redacted]';

/** Last word of a name under which nobody keeps anything but a secret. */
const SECRET_WORD =
  /(?:^|_)(?:key|apikey|keys|token|tokens|secret|secrets|password|passwd|passphrase|authorization|cookie|totp|otp|seed|credentials|pem|private)$/;
const SECRET_NAME =
  /^(?:(?:auth|authorization|setup|recovery|device|verification|totp|otp)_codes?|code_verifier)$/;
/** Ends in a secret word, yet only names a thing the caller chose so that a repetition is recognised. */
const NOT_SECRET = new Set(['idempotency_key', 'public_key']);
/** What a paper account draws its fills by: a number. A seed that is a secret is a text or bytes, and is never kept. */
const isSeedOfDraws = (name: string, value: unknown): boolean =>
  name === 'seed' && Number.isSafeInteger(value);

/** Our keys, bearer credentials and private PEM blocks, wherever in a text they stand; each is found in one pass over it. */
const SECRET_TEXT: readonly (readonly [RegExp, string])[] = [
  [/pcl_[A-Za-z0-9._~+/=-]+/gi, `pcl_${LEFT_OUT}`],
  [/\b(?:bearer|basic) +[A-Za-z0-9._~+/=-]{8,}/gi, LEFT_OUT],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/gs, LEFT_OUT],
];

/** What a JSON web token is made of, from the first character to the last, so that no text is looked through twice. */
const DOTTED_WORDS = /[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?/g;
const TOKEN_HEAD = /\beyJ[A-Za-z0-9_-]{8}/;

/** A head, a body and a signature that may be empty. As one pattern it takes minutes for a long text with many beginnings. */
function withoutWebTokens(dotted: string): string {
  const words = dotted.split('.');
  const kept: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    const begins = at + 2 < words.length ? word.search(TOKEN_HEAD) : -1;
    kept.push(begins === -1 ? word : word.slice(0, begins) + LEFT_OUT);
    if (begins !== -1) at += 2;
  }
  return kept.join('.');
}

/** Without any of these a text has nothing to hide: no beginning of a pattern above, nothing but printable ASCII. */
const SUSPECT = /pcl_|bearer|basic|eyj|-----|[^\x20-\x7e]/i;

export function redactedText(given: string, lengthMax: number): string {
  const text = SUSPECT.test(given) ? withoutSecrets(given) : given;
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax).toWellFormed()}…`;
}

/** Stripped first, because an invisible character inside a secret would hide it from the patterns. */
function withoutSecrets(given: string): string {
  let text = printable(given.toWellFormed());
  for (const [pattern, replacement] of SECRET_TEXT) text = text.replace(pattern, replacement);
  return text.includes('eyJ') ? text.replace(DOTTED_WORDS, withoutWebTokens) : text;
}

/** `actionToken`, `action-token` and `ACTION_TOKEN` are one name. */
function isSecretName(name: string): boolean {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase();
  return !NOT_SECRET.has(words) && (SECRET_WORD.test(words) || SECRET_NAME.test(words));
}

/** Any value as JSON that may be kept: never throws, whatever a caller handed in. */
export function redacted(value: unknown, bounds: RedactBounds, depth = 0): JsonValue {
  switch (typeof value) {
    case 'string':
      return redactedText(value, bounds.textLengthMax);
    case 'number':
      return Number.isFinite(value) ? value : null;
    case 'boolean':
      return value;
    case 'bigint':
      return value.toString();
    case 'undefined':
    case 'function':
    case 'symbol':
      return null;
    case 'object':
      if (value === null) return null;
      if (depth >= bounds.depthMax) return '[deeper]';
      return Array.isArray(value)
        ? value.map((item) => redacted(item, bounds, depth + 1))
        : redactedObject(value, bounds, depth);
  }
}

function redactedObject(value: object, bounds: RedactBounds, depth: number): JsonValue {
  // Decimals and dates know their own plain form; everything else is its own enumerable properties.
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    const plain: unknown = (value as { toJSON(): unknown }).toJSON();
    return plain === value ? '[object]' : redacted(plain, bounds, depth + 1);
  }
  const kept: [string, JsonValue][] = [];
  for (const [name, inner] of Object.entries(value)) {
    if (inner === undefined) continue;
    const secret =
      isSecretName(name) && inner !== null && typeof inner !== 'boolean' && !isSeedOfDraws(name, inner);
    kept.push([
      redactedText(name, bounds.textLengthMax),
      secret ? LEFT_OUT : redacted(inner, bounds, depth + 1),
    ]);
  }
  return Object.fromEntries(kept);
}
