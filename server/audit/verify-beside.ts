/** Proves the record beside the engine that writes on: a connection of its own, up to where the engine said that all stood. */
import { openBeside } from '#store/beside.ts';
import { openKeyring } from '#store/keyring.ts';
import type { AuditSnapshot } from './snapshot.ts';
import { type VerifyReport, verifyAudit } from './verify.ts';

/** Plain data, so that it can be sent to another thread. */
export interface VerifyBesideOptions {
  /** Folders of the database, of the files of the record, and of its keys. */
  readonly data: string;
  readonly log: string;
  readonly keys: string;
  readonly snapshot: AuditSnapshot;
  readonly checkpoints?: readonly string[];
}

export function verifyBeside(options: VerifyBesideOptions): VerifyReport {
  const keyring = openKeyring(options.keys);
  const store = openBeside(options.data);
  try {
    const { snapshot, checkpoints = [] } = options;
    return verifyAudit({ store, keyring, folder: options.log, checkpoints, snapshot });
  } finally {
    store.close();
  }
}
