/** The table `settings`: single values of the gateway itself, by name. */
import type { Store } from './open.ts';

export interface Settings {
  get(name: string): string | undefined;
  /** Joins the transaction it is called in, so that a change and its audit event commit together. */
  set(name: string, value: string): void;
  /** Joins the transaction it is called in. */
  remove(name: string): void;
  /** All whose names begin so, by what follows. */
  under(prefix: string): ReadonlyMap<string, string>;
}

export function settings(store: Store): Settings {
  const select = store.db.prepare('SELECT value FROM settings WHERE name = ?').pluck();
  const upsert = store.db.prepare(
    'INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
  );
  const remove = store.db.prepare('DELETE FROM settings WHERE name = ?');
  const under = store.db.prepare<[number, string], { name: string; value: string }>(
    'SELECT name, value FROM settings WHERE substr(name, 1, ?) = ? ORDER BY name',
  );
  return {
    get(name) {
      const value: unknown = select.get(name);
      return typeof value === 'string' ? value : undefined;
    },
    set: (name, value) => void store.transaction(() => upsert.run(name, value)),
    remove: (name) => void store.transaction(() => remove.run(name)),
    under: (prefix) =>
      new Map(under.all(prefix.length, prefix).map(({ name, value }) => [name.slice(prefix.length), value])),
  };
}
