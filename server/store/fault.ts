/** How storage fails: a folder that can not be used as it is, a disk that fails now, a bug after the commit. */
import Database from 'better-sqlite3';

/** The data folder can not be used as it is; one sentence that says why and what to do. */
export class StoreError extends Error {}

/** The disk or the database failed under a transaction: it is rolled back, and callers refuse with `store_unavailable`. */
export class StoreUnavailable extends Error {
  /** SQLite's own name for it, such as SQLITE_FULL or SQLITE_IOERR_FSYNC. */
  readonly code: string;
  constructor(code: string, cause: unknown) {
    super(`The database can not be written now (${code}).`, { cause });
    this.code = code;
  }
}

/** The transaction is durable; only a call that waited for its commit failed, which is a bug. */
export class AfterCommitError extends Error {}

/** The primary result codes of a failing disk, file system or file; the others are bugs in a statement of ours. */
const FAULT_CODE =
  /^SQLITE_(?:FULL|IOERR|READONLY|CANTOPEN|BUSY|LOCKED|CORRUPT|NOTADB|NOMEM|PERM|PROTOCOL|NOLFS)(?:_|$)/;

/** What a statement threw, as StoreUnavailable when the world is to blame, else as it is. */
export function storeFault(cause: unknown): unknown {
  return cause instanceof Database.SqliteError && FAULT_CODE.test(cause.code)
    ? new StoreUnavailable(cause.code, cause)
    : cause;
}
