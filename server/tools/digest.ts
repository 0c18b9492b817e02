/** The digest that a token and an idempotency key are bound to: SHA-256 over the exact arguments of a call. */
import { createHash } from 'node:crypto';
import { canonicalJson, type JsonValue } from '#audit/line.ts';

/** Parsed arguments: JSON with absent fields undefined or missing. */
export type Arguments = Readonly<Record<string, JsonValue | undefined>>;

/** How a call is meant, rather than what it asks for: left out of its digest. */
const HOW: ReadonlySet<string> = new Set(['dry_run', 'action_token', 'idempotency_key']);

/**
 * Hex SHA-256 of the parsed arguments as canonical JSON, without `dry_run`, `action_token` and `idempotency_key`. An account
 * that was left out is in it as the one that was chosen: a preview never commits to another.
 */
export function digestOf(input: Arguments): string {
  const what: Record<string, JsonValue> = {};
  for (const [field, value] of Object.entries(input)) {
    if (value !== undefined && !HOW.has(field)) what[field] = value;
  }
  return createHash('sha256').update(canonicalJson(what)).digest('hex');
}
