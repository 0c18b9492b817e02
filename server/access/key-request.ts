/** What may be asked of a new key: scopes that exist, a bounded span, addresses that can be read. */
import { nearest } from '#domain/nearest.ts';
import { type Owner, SCOPES, type Scope } from '#domain/principal.ts';
import { type FieldError, fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { KEY_ADDRESSES_MAX, KEY_TTL_DEFAULT_MS, KEY_TTL_MAX_MS } from '#limits.ts';
import { type AddressRange, parseRange } from './address.ts';

export interface KeyRequest {
  readonly agent: string;
  readonly scopes: readonly string[];
  /** Default 90 days, at most ten years. */
  readonly expiresInMs?: number;
  /** Addresses or CIDR ranges it may be used from; empty: any that the door admits. */
  readonly ipAllow?: readonly string[];
  readonly by: Owner;
}

/** A request that passed. */
export interface KeyTerms {
  readonly scopes: readonly Scope[];
  readonly spanMs: number;
  readonly ranges: readonly AddressRange[];
}

export function checkKeyRequest(request: Omit<KeyRequest, 'agent' | 'by'>): Result<KeyTerms, Refusal> {
  const scopes = checkScopes(request.scopes);
  const span = checkSpan(request.expiresInMs ?? KEY_TTL_DEFAULT_MS);
  const addresses = checkAddresses(request.ipAllow ?? []);
  const errors = [...scopes.errors, ...span, ...addresses.errors];
  const [first] = errors;
  if (!first) {
    const spanMs = request.expiresInMs ?? KEY_TTL_DEFAULT_MS;
    return ok({ scopes: scopes.scopes, spanMs, ranges: addresses.ranges });
  }
  const suggestions = [...new Set(errors.flatMap((error) => error.nearest ?? []))];
  return err(
    refuse('invalid_input', `No key was made: ${first.field} is ${first.rule}.`, {
      errors,
      ...(suggestions.length === 0 ? {} : { did_you_mean: suggestions }),
    }),
  );
}

function checkScopes(given: readonly string[]): { scopes: readonly Scope[]; errors: readonly FieldError[] } {
  const rule = `one or more of ${SCOPES.join(', ')}`;
  const unknown = given.filter((scope) => !(SCOPES as readonly string[]).includes(scope));
  const errors = unknown.map((scope) => fieldError('scopes', scope, rule, nearest(scope, SCOPES)));
  const scopes = SCOPES.filter((scope) => given.includes(scope));
  return { scopes, errors: given.length === 0 ? [fieldError('scopes', '', rule)] : errors };
}

function checkSpan(spanMs: number): readonly FieldError[] {
  if (Number.isSafeInteger(spanMs) && spanMs >= 1_000 && spanMs <= KEY_TTL_MAX_MS) return [];
  const near = spanMs > KEY_TTL_MAX_MS ? '3650d' : '1s';
  return [fieldError('expires', `${spanMs} ms`, 'from one second to ten years (3650d)', near)];
}

function checkAddresses(given: readonly string[]): {
  ranges: readonly AddressRange[];
  errors: readonly FieldError[];
} {
  if (given.length > KEY_ADDRESSES_MAX) {
    const rule = `at most ${KEY_ADDRESSES_MAX} entries`;
    return { ranges: [], errors: [fieldError('ip_allow', `${given.length} entries`, rule)] };
  }
  const parsed = given.map((entry) => ({ entry, range: parseRange(entry) }));
  return {
    ranges: parsed.flatMap(({ range }) => (range.ok ? [range.value] : [])),
    errors: parsed.flatMap(({ entry, range }) =>
      range.ok ? [] : [fieldError('ip_allow', entry, range.error)],
    ),
  };
}
