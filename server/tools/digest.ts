/** The digest that a token and an idempotency key are bound to: SHA-256 over the exact arguments of a call. */
import { createHash } from 'node:crypto';

/** How a call is meant, rather than what it asks for: left out of its digest. */
const HOW: ReadonlySet<string> = new Set(['dry_run', 'action_token', 'idempotency_key']);

/** Hex SHA-256 of the parsed arguments as canonical JSON, without `dry_run`, `action_token` and `idempotency_key`. */
export function digestOf(input: object): string {
  const what = Object.fromEntries(Object.entries(input).filter(([field]) => !HOW.has(field)));
  return createHash('sha256').update(canonical(what)).digest('hex');
}

/** Keys in code unit order, no white space, absent fields absent: equal arguments give equal bytes (RFC 8785 for what we carry). */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`);
    return `{${members.join(',')}}`;
  }
  return JSON.stringify(value);
}
