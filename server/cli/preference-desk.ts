/** How the owner wants the console to look: zone, theme and colours, kept in the database and on the record when they change. */
import { z } from 'zod';
import type { AuditLog } from '#audit/log.ts';
import { GAIN_COLOURS, type PreferenceDesk, type Preferences, THEMES } from '#console/desks.ts';
import type { Owner } from '#domain/principal.ts';
import { fieldError, refuse } from '#domain/refusal.ts';
import { err, ok } from '#domain/result.ts';
import type { Store } from '#store/open.ts';
import { settings } from '#store/settings.ts';
import { must, zone } from './setting-rules.ts';

const PREFIX = 'preference:';

const RULES = z.strictObject({
  timezone: zone,
  theme: z.enum(THEMES, must(THEMES.join(', '))),
  colours: z.enum(GAIN_COLOURS, must(GAIN_COLOURS.join(', '))),
});

export interface PreferenceDeskOptions {
  readonly store: Store;
  readonly audit: Pick<AuditLog, 'record'>;
  readonly by: Owner;
  /** PORTCULLIS_TIMEZONE, until the owner chooses another. */
  readonly timezone: string;
}

export function openPreferenceDesk({ store, audit, by, timezone }: PreferenceDeskOptions): PreferenceDesk {
  const rows = settings(store);
  const standard: Preferences = { timezone, theme: 'system', colours: 'green_red' };
  const read = (): Preferences => {
    // One that is not understood (a later version's) gives way to the standard.
    const kept = [...rows.under(PREFIX)].filter(
      ([name, text]) => RULES.partial().safeParse({ [name]: text }).success,
    );
    return { ...standard, ...Object.fromEntries(kept) };
  };
  return {
    read,
    save(texts) {
      const parsed = RULES.safeParse(texts);
      if (!parsed.success) {
        const errors = parsed.error.issues.map(({ path, message }) =>
          fieldError(path.join('.'), '', message),
        );
        return err(refuse('invalid_input', 'The preferences were not saved; see the fields.', { errors }));
      }
      const before = read();
      const after = parsed.data;
      const changed = (Object.keys(after) as (keyof Preferences)[]).filter(
        (name) => after[name] !== before[name],
      );
      if (changed.length > 0)
        store.transaction(() => {
          for (const name of changed) rows.set(PREFIX + name, after[name]);
          audit.record({
            kind: 'preferences.changed',
            credential: by.credential,
            door: by.door,
            outcome: 'ok',
            detail: { changes: changed.map((name) => ({ name, before: before[name], after: after[name] })) },
          });
        });
      return ok(after);
    },
  };
}
