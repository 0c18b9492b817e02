/** The settings as the console changes them: another tape is read, in a thread of its own, before it is stored. */
import type { SettingsDesk } from '#console/desks.ts';
import type { Owner } from '#domain/principal.ts';
import { fieldError } from '#domain/refusal.ts';
import { namesTape, objectionToTape, sameTape } from './chosen-tape.ts';
import type { RunningOffice } from './office.ts';

export function openSettingsDesk(office: RunningOffice, by: Owner): SettingsDesk {
  const stored = office.settings.desk(by, () => undefined);
  return {
    list: () => stored.list(),
    async save(texts) {
      const asked = stored.next(texts);
      // What does not touch the tape waits for no file.
      if (!asked.ok || !namesTape(texts)) return stored.save(texts);
      const objection = await objectionToTape(office, asked.value);
      const { settings } = office;
      return settings
        .desk(by, (next) => (sameTape(next, asked.value) ? objection : CHANGED_MEANWHILE))
        .save(texts);
    },
  };
}

/** The file would be stored as the tape of what it was not read for. */
const CHANGED_MEANWHILE = fieldError(
  'PAPER_TAPE',
  '',
  'was changed elsewhere while it was read: look at it again',
);
