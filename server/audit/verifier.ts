/** What the console's badge says of the record: the last verification with its time and head, and none that was not made. */
import { dirname } from 'node:path';
import { AUDIT_VERIFY_TIMEOUT_MS } from '#limits.ts';
import type { Clock } from '#ports.ts';
import type { Keyring } from '#store/keyring.ts';
import type { Store } from '#store/open.ts';
import { inThread, type Thread, ThreadEnded } from '#thread.ts';
import type { AuditLog } from './log.ts';
import { auditSnapshot } from './snapshot.ts';
import type { VerifyReport } from './verify.ts';
import type { VerifyBesideOptions } from './verify-beside.ts';

export type Verified =
  /** Every line up to `report.last_seq` is as it was written; those since have not been looked at. */
  | { readonly state: 'ok'; readonly atMs: number; readonly tookMs: number; readonly report: VerifyReport }
  | {
      readonly state: 'broken';
      readonly atMs: number;
      readonly tookMs: number;
      readonly report: VerifyReport;
    }
  /** It did not come to an end, so that nothing is known; why, in one sentence. */
  | { readonly state: 'failed'; readonly atMs: number; readonly why: string };

export type Verification =
  | { readonly state: 'never' }
  | { readonly state: 'running'; readonly startedAtMs: number; readonly last: Verified | undefined }
  | Verified;

export interface Verifier {
  state(): Verification;
  /** Begins one unless one is running; resolves when it has ended. Never rejects. */
  verify(): Promise<Verified>;
  close(): void;
}

export interface VerifierOptions {
  readonly store: Store;
  readonly keyring: Keyring;
  readonly audit: AuditLog;
  readonly clock: Clock;
  /** LOG_DIR. */
  readonly folder: string;
}

export function openVerifier(options: VerifierOptions): Verifier {
  const { clock } = options;
  let last: Verified | undefined;
  let running: { readonly startedAtMs: number; readonly end: Promise<Verified> } | undefined;
  let stop: (() => void) | undefined;

  async function run(): Promise<Verified> {
    const startedMs = clock.monotonicMs();
    try {
      const thread: Thread<VerifyReport> = inThread({
        module: new URL('./verify-thread.ts', import.meta.url),
        data: snapshotOf(options),
        timeoutMs: AUDIT_VERIFY_TIMEOUT_MS,
        clock,
      });
      stop = () => thread.end();
      const report = await thread.message;
      const tookMs = clock.monotonicMs() - startedMs;
      return { state: report.ok ? 'ok' : 'broken', atMs: clock.wallMs(), tookMs, report };
    } catch (cause) {
      return { state: 'failed', atMs: clock.wallMs(), why: whyFailed(cause) };
    }
  }

  return {
    state: () =>
      running ? { state: 'running', startedAtMs: running.startedAtMs, last } : (last ?? { state: 'never' }),
    verify() {
      running ??= {
        startedAtMs: clock.wallMs(),
        end: run().then((verified) => {
          running = undefined;
          last = verified;
          return verified;
        }),
      };
      return running.end;
    },
    close: () => stop?.(),
  };
}

/** The engine's part: it brings the files up to date and says where all stands. */
function snapshotOf({ store, keyring, audit, folder }: VerifierOptions): VerifyBesideOptions {
  audit.flush();
  return {
    data: dirname(store.path),
    log: folder,
    keys: keyring.folder,
    snapshot: auditSnapshot(store, folder),
  };
}

const whyFailed = (cause: unknown): string =>
  cause instanceof ThreadEnded ? 'The verification was ended before it was done.' : (cause as Error).message;
