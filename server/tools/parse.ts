/** Arguments of a call -> the typed input of its tool, or one refusal that names every field that is wrong. */
import type { z } from 'zod';
import { type FieldError, fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { FIELD_ERRORS_MAX, IDEMPOTENCY_KEY_LENGTH_MAX, NEAREST_LENGTH_MAX } from '#limits.ts';
import type { InputSchema } from './json-schema.ts';
import { hintOfField, nearestValue } from './nearest.ts';
import { isRecord, normalise } from './normalise.ts';

export interface Parsed<I> {
  readonly input: I;
  /** Field to the value that was used instead of the given one. */
  readonly repaired: Readonly<Record<string, unknown>>;
}

export function parseArguments<I extends z.ZodType>(
  tool: { readonly name: string; readonly input: I; readonly schema: InputSchema },
  given: unknown,
): Result<Parsed<z.output<I>>, Refusal> {
  const { args, repaired } = normalise(given, tool.schema);
  const parsed = tool.input.safeParse(args);
  if (parsed.success) return ok({ input: parsed.data, repaired });
  // Cut before they are worded: finding what each of thousands might have meant takes long enough to be an attack.
  const errors = parsed.error.issues
    .slice(0, FIELD_ERRORS_MAX)
    .flatMap((issue) => fieldErrorsOf(issue, args, tool))
    .slice(0, FIELD_ERRORS_MAX);
  return err(invalidInput(tool.name, errors));
}

/** `invalid_input` with its fields; the sentence names the first three. */
export function invalidInput(tool: string, errors: readonly FieldError[]): Refusal {
  const sentences = errors.slice(0, 3).map(sentenceOf);
  const more = errors.length > 3 ? ` (and ${errors.length - 3} more)` : '';
  const suggestions = [
    ...new Set(
      errors.flatMap(({ nearest, value }) => (nearest === null || nearest === value ? [] : [nearest])),
    ),
  ];
  return refuse('invalid_input', `${tool}: ${sentences.join('; ')}${more}.`, {
    errors,
    ...(suggestions.length === 0 ? {} : { did_you_mean: suggestions }),
  });
}

function sentenceOf(error: FieldError): string {
  const hint = error.nearest === null ? '' : ` (nearest: ${error.nearest})`;
  return `${error.field}: ${error.rule}${hint}`;
}

function fieldErrorsOf(
  issue: z.core.$ZodIssue,
  args: unknown,
  tool: { readonly name: string; readonly schema: InputSchema },
): readonly FieldError[] {
  const field = issue.path.map(String).join('.') || 'arguments';
  const value = valueAt(args, issue.path);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys
      .slice(0, FIELD_ERRORS_MAX)
      .map((key) => unknownField(tool, key, isRecord(value) ? value : {}));
  }
  if (issue.path.length === 1 && NOTHING.has(value)) {
    const word = value === null ? 'null' : value === '' ? 'an empty string' : 'a word for nothing';
    const required = tool.schema.required?.includes(field) === true;
    return [
      required
        ? fieldError(
            field,
            value,
            `required, and not ${word}${issue.code === 'invalid_value' ? allowedOf(issue) : ''}`,
          )
        : fieldError(field, value, `leave the field out instead of ${word}`),
    ];
  }
  if (issue.code === 'custom') {
    const nearest: unknown = issue.params?.['nearest'];
    return [fieldError(field, value ?? '', issue.message, typeof nearest === 'string' ? nearest : null)];
  }
  if (value === undefined) return [fieldError(field, '', `required${allowedOf(issue)}`)];
  return [fieldError(field, value, ruleOf(issue), nearestOf(issue, value))];
}

/** What stands for "not given" in other languages, where it is not a right value of the field. */
const NOTHING: ReadonlySet<unknown> = new Set([null, '', 'null', 'None', 'none', 'undefined', 'nil', 'N/A']);

function unknownField(
  tool: { readonly name: string; readonly schema: InputSchema },
  field: string,
  args: Readonly<Record<string, unknown>>,
): FieldError {
  const { nearest, advice } = hintOfField(field, Object.keys(tool.schema.properties), args);
  const rule = `not a field of ${tool.name}${advice === '' ? '' : `; ${advice}`}`;
  return fieldError(field, valueAt(args, [field]), rule, nearest);
}

function allowedOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value') return `: one of ${issue.values.map(String).join(', ')}`;
  return issue.code === 'invalid_type' ? `: ${typeWord(issue.expected)}` : '';
}

function ruleOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return typeWord(issue.expected);
  if (issue.code === 'invalid_value') return `one of ${issue.values.map(String).join(', ')}`;
  if (issue.code === 'too_small') return `at least ${issue.minimum}${countedOf(issue.origin)}`;
  if (issue.code === 'too_big') return `at most ${issue.maximum}${countedOf(issue.origin)}`;
  return issue.message;
}

const countedOf = (origin: string): string =>
  origin === 'array' ? ' entries' : origin === 'string' ? ' characters' : '';

function typeWord(expected: string): string {
  switch (expected) {
    case 'object':
      return 'a JSON object';
    case 'array':
      return 'a list (a JSON array; in a query, with commas)';
    case 'int':
      return 'a JSON integer';
    case 'boolean':
      return 'true or false, without quotes';
    default:
      return `a ${expected}`;
  }
}

function nearestOf(issue: z.core.$ZodIssue, value: unknown): string | null {
  if (issue.code === 'invalid_value') return nearestValue(String(value), issue.values.map(String));
  if (issue.code === 'invalid_format') return ownKey(issue, value);
  if (issue.code === 'invalid_type') return nearestOfType(issue.expected, value);
  if (issue.code === 'too_small') return isNumeric(issue.origin) ? String(issue.minimum) : null;
  if (issue.code === 'too_big') return isNumeric(issue.origin) ? String(issue.maximum) : null;
  return null;
}

/** A key is the caller's own word, so its nearest form is theirs as well; no other text is changed. */
function ownKey(issue: z.core.$ZodIssue, value: unknown): string | null {
  if (
    typeof value !== 'string' ||
    !OWN_KEYS.has(String(issue.path[0])) ||
    value.length > IDEMPOTENCY_KEY_LENGTH_MAX
  )
    return null;
  const key = value.replace(/[^A-Za-z0-9._:-]+/g, '-').replace(/^-+|-+$/g, '');
  return key === '' ? null : key;
}
const OWN_KEYS: ReadonlySet<string> = new Set(['client_order_id', 'idempotency_key']);

const isNumeric = (origin: string): boolean => origin === 'number' || origin === 'int';

const SWITCH_WORDS: ReadonlyMap<string, string> = new Map([
  ...['true', 'yes', 'y', 'on', '1'].map((word) => [word, 'true'] as const),
  ...['false', 'no', 'n', 'off', '0'].map((word) => [word, 'false'] as const),
]);

function nearestOfType(expected: string, value: unknown): string | null {
  if (typeof value === 'number') {
    if (expected === 'string') return String(value);
    if (expected === 'int') return Number.isFinite(value) ? String(Math.trunc(value)) : null;
    return expected === 'boolean' ? (SWITCH_WORDS.get(String(value)) ?? null) : null;
  }
  if (expected === 'string' && Array.isArray(value)) {
    const [only] = value as readonly unknown[];
    return value.length === 1 && typeof only === 'string' ? only : null;
  }
  // Before anything is done with it: what follows looks at the same characters more than once.
  if (typeof value !== 'string' || value.length > NEAREST_LENGTH_MAX) return null;
  const word = value.trim().toLowerCase();
  switch (expected) {
    case 'boolean':
      return SWITCH_WORDS.get(word) ?? null;
    case 'int':
    case 'number':
      return /^-?\d{1,15}$/.test(word) ? word : null;
    case 'array':
      return JSON.stringify(
        value
          .split(',')
          .map((entry) => entry.replace(/^[\s[('"]+|[\s\])'"]+$/g, ''))
          .filter((entry) => entry !== '')
          .slice(0, FIELD_ERRORS_MAX),
      );
    default:
      return null;
  }
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let here = root;
  for (const key of path) {
    if (Array.isArray(here) && typeof key === 'number') here = here[key] as unknown;
    else if (isRecord(here) && typeof key === 'string' && Object.hasOwn(here, key)) here = here[key];
    else return undefined;
  }
  return here;
}
