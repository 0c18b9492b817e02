/** Reads the database beside the engine that has it: a connection of its own that can not write, and waits for nobody. */
import Database from 'better-sqlite3';
import { STORE_BUSY_TIMEOUT_MS } from '#limits.ts';
import { StoreError } from './fault.ts';
import { databasePath, type Store } from './open.ts';

export function openBeside(folder: string): Pick<Store, 'db'> & { close(): void } {
  const path = databasePath(folder);
  try {
    const db = new Database(path, { readonly: true, fileMustExist: true, timeout: STORE_BUSY_TIMEOUT_MS });
    return { db, close: () => db.close() };
  } catch (cause) {
    throw new StoreError(`The database ${path} can not be read: ${(cause as Error).message}`);
  }
}
