/** What stops a start, each in one sentence that a person can act on. */
import { AuditError } from '#audit/log.ts';
import { PaperError } from '#brokers/paper/desk.ts';
import { ConfigError } from '#config.ts';
import { TapeError } from '#market/tape.ts';
import { StoreError } from '#store/open.ts';

/** Why the gateway can not start, in one sentence; nothing was changed. */
export class StartError extends Error {}

const SENTENCES = [ConfigError, StartError, TapeError, StoreError, AuditError, PaperError] as const;

/** undefined: a bug, which keeps its stack. */
export function sentenceOf(cause: unknown): string | undefined {
  return cause instanceof Error && SENTENCES.some((kind) => cause instanceof kind)
    ? cause.message
    : undefined;
}
