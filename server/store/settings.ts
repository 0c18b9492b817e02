/** The table `settings`: single values of the gateway itself, by name. */
import type { Store } from './open.ts';

export interface Settings {
  get(name: string): string | undefined;
  /** Joins the transaction it is called in, so that a change and its audit event commit together. */
  set(name: string, value: string): void;
}

export function settings(store: Store): Settings {
  const select = store.db.prepare('SELECT value FROM settings WHERE name = ?').pluck();
  const upsert = store.db.prepare(
    'INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
  );
  return {
    get(name) {
      const value: unknown = select.get(name);
      return typeof value === 'string' ? value : undefined;
    },
    set: (name, value) => void store.transaction(() => upsert.run(name, value)),
  };
}
