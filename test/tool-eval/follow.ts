// A caller without any wit: does to its call what the refusal says, to the letter, and nothing else.
import type { Refusal } from '#domain/refusal.ts';
import type { PropertySchema } from '#tools/json-schema.ts';
import { isRecord, parseJson } from '#tools/normalise.ts';

export interface Followed {
  readonly args: Record<string, unknown>;
  /** What was changed, as `field: rule`; the next answer may not say the same again. */
  readonly heeded: readonly string[];
}

type Properties = Readonly<Record<string, PropertySchema>>;

/** The call as the refusal would have it; undefined when it leaves everything to the caller. */
export function follow(given: unknown, refusal: Refusal, properties: Properties): Followed | undefined {
  const args: Record<string, unknown> = isRecord(given) ? { ...given } : {};
  if (refusal.reason === 'token_required' || refusal.reason === 'token_invalid') {
    delete args['action_token'];
    return { args: { ...args, dry_run: true }, heeded: [refusal.reason] };
  }
  const heeded: string[] = [];
  for (const { field, rule, nearest } of refusal.errors ?? []) {
    const held = args[field];
    const wrapped = typeof held === 'string' ? parseJson(held) : held;
    const unwraps = rule.includes('one level up') && isRecord(wrapped);
    if (nearest === null && !unwraps && !/leave (?:it|the field) out/.test(rule)) continue;
    heeded.push(`${field}: ${rule}`);
    if (unwraps) Object.assign(args, wrapped);
    if (nearest === null) delete args[field];
    else if (rule.startsWith('not a field of')) rename(args, field, nearest);
    else put(args, field, typed(nearest, properties[field]));
  }
  const [meant] = refusal.did_you_mean ?? [];
  if (heeded.length === 0 && meant !== undefined && refusal.reason === 'account_not_allowed') {
    heeded.push(refusal.reason);
    args['account'] = meant;
  }
  return heeded.length === 0 ? undefined : { args, heeded };
}

/** Whether following it got the caller further: what was heeded is not complained of again. */
export function ledOn(followed: Followed, next: Refusal | undefined): boolean {
  if (next === undefined) return true;
  const again = [next.reason, ...(next.errors ?? []).map(({ field, rule }) => `${field}: ${rule}`)];
  return followed.heeded.every((complaint) => !again.includes(complaint));
}

function rename(args: Record<string, unknown>, from: string, to: string): void {
  const value = args[from];
  delete args[from];
  if (!Object.hasOwn(args, to)) args[to] = value;
}

/** `symbols.1` is an entry of a list. */
function put(args: Record<string, unknown>, field: string, value: unknown): void {
  const [name = field, index] = field.split('.');
  const list = args[name];
  if (index !== undefined && Array.isArray(list)) args[name] = list.with(Number(index), value);
  else args[name] = value;
}

/** `nearest` is text; a field that is no text takes it as JSON. */
function typed(nearest: string, property: PropertySchema | undefined): unknown {
  if (property === undefined) return nearest;
  const text = property.type === 'string' || property.enum?.every((word) => typeof word === 'string');
  // A field of several kinds takes a word as it is.
  return text ? nearest : (parseJson(nearest) ?? nearest);
}
