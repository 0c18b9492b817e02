/** What can be put on the record: one event, and how a caller's values become text that is safe to keep and to show. */
import type { Door } from '#domain/principal.ts';
import {
  AUDIT_ARGUMENTS_LENGTH_MAX,
  AUDIT_DEPTH_MAX,
  AUDIT_DETAIL_LENGTH_MAX,
  AUDIT_TEXT_LENGTH_MAX,
} from '#limits.ts';
import { canonicalJson, type JsonValue } from './line.ts';
import { redacted, redactedText } from './redact.ts';

export type { JsonValue } from './line.ts';

/** `refused` is said by the gateway (its reason in `detail.reason`), `rejected` by a broker. */
export const AUDIT_OUTCOMES = ['ok', 'refused', 'rejected', 'unknown', 'error'] as const;
export type AuditOutcome = (typeof AUDIT_OUTCOMES)[number];

export interface AuditEvent {
  /** Dotted, most general word first: `order.transition`, `tool.call`, `key.created`, `kill`. */
  readonly kind: string;
  readonly agent?: string;
  readonly credential?: string;
  readonly door?: Door;
  readonly tool?: string;
  readonly scope?: string;
  readonly account?: string;
  readonly outcome: AuditOutcome;
  readonly latencyMs?: number;
  /** The arguments of the call: a keyed HMAC goes into the line, a sealed copy into the database for the owner's eyes. */
  readonly args?: unknown;
  readonly detail?: Readonly<Record<string, JsonValue>>;
}

/** An event made ready to be written: nothing in it can fail any more, so a queued one never spoils another's commit. */
export interface PreparedEvent {
  readonly timeMs: number;
  readonly kind: string;
  readonly agent: string | null;
  readonly credential: string | null;
  readonly door: string | null;
  readonly tool: string | null;
  readonly scope: string | null;
  readonly account: string | null;
  readonly outcome: AuditOutcome;
  readonly latencyMs: number | null;
  /** Canonical JSON, or null when the event has no arguments. */
  readonly args: string | null;
  readonly detail: Readonly<Record<string, JsonValue>> | null;
}

/** Throws nothing: what is too long is cut and says so, what is secret is left out. `timeMs` is when it happened. */
export function prepare(event: AuditEvent, timeMs: number): PreparedEvent {
  return {
    timeMs,
    kind: redactedText(event.kind, AUDIT_TEXT_LENGTH_MAX),
    agent: optionalText(event.agent),
    credential: optionalText(event.credential),
    door: optionalText(event.door),
    tool: optionalText(event.tool),
    scope: optionalText(event.scope),
    account: optionalText(event.account),
    outcome: event.outcome,
    latencyMs: latency(event.latencyMs),
    args: event.args === undefined ? null : argumentsOf(event.args),
    detail: event.detail === undefined ? null : detailOf(event.detail),
  };
}

function optionalText(given: string | undefined): string | null {
  return given === undefined ? null : redactedText(given, AUDIT_TEXT_LENGTH_MAX);
}

/** Microseconds are noise; a clock's fault is not worth an event. */
function latency(ms: number | undefined): number | null {
  return ms !== undefined && Number.isFinite(ms) && ms >= 0 ? Math.round(ms * 1_000) / 1_000 : null;
}

const BOUNDS = { textLengthMax: AUDIT_TEXT_LENGTH_MAX, depthMax: AUDIT_DEPTH_MAX };

function argumentsOf(args: unknown): string {
  const kept = canonicalJson(redacted(args, BOUNDS));
  return kept.length <= AUDIT_ARGUMENTS_LENGTH_MAX ? kept : canonicalJson({ cut: true, length: kept.length });
}

function detailOf(detail: Readonly<Record<string, JsonValue>>): Readonly<Record<string, JsonValue>> {
  const kept = redacted(detail, BOUNDS);
  const length = canonicalJson(kept).length;
  if (length <= AUDIT_DETAIL_LENGTH_MAX && isRecord(kept)) return kept;
  const reason =
    typeof detail['reason'] === 'string' ? redactedText(detail['reason'], AUDIT_TEXT_LENGTH_MAX) : null;
  return { cut: true, length, reason };
}

function isRecord(value: JsonValue): value is Readonly<Record<string, JsonValue>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
