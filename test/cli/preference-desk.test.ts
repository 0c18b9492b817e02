// How the owner wants the console to look: kept, on the record, and never in a state that a page could not show.

import { expect, it } from 'vitest';
import { openPreferenceDesk } from '#cli/preference-desk.ts';
import { OWNER_CONSOLE } from '#domain/principal.ts';
import { settings } from '#store/settings.ts';
import { type AuditRoom, openAuditRoom } from '../support/audit-room.ts';

const deskIn = ({ store, log }: AuditRoom) =>
  openPreferenceDesk({ store, audit: log, by: OWNER_CONSOLE, timezone: 'Asia/Kolkata' });

it('begins with the zone of the gateway, and keeps what the owner chooses', () => {
  const room = openAuditRoom();
  expect(deskIn(room).read()).toEqual({ timezone: 'Asia/Kolkata', theme: 'system', colours: 'green_red' });
  const chosen = { timezone: 'Europe/Berlin', theme: 'dark', colours: 'blue_orange' };
  expect(deskIn(room).save(chosen)).toEqual({ ok: true, value: chosen });
  expect(deskIn(room).read()).toEqual(chosen);
});

it('is on the record with before and after of what has changed, once', () => {
  const room = openAuditRoom();
  const desk = deskIn(room);
  const chosen = { timezone: 'Asia/Kolkata', theme: 'dark', colours: 'green_red' };
  desk.save(chosen);
  desk.save(chosen);
  room.log.flush();
  const lines = room.store.db.prepare<[], string>('SELECT line FROM audit').pluck().all();
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
    {
      kind: 'preferences.changed',
      credential: 'owner',
      door: 'console',
      detail: { changes: [{ name: 'theme', before: 'system', after: 'dark' }] },
    },
  ]);
});

it('names what it does not know, and changes nothing', () => {
  const room = openAuditRoom();
  const refused = deskIn(room).save({ timezone: 'Mars/Olympus', theme: 'pink', colours: 'green_red' });
  expect(refused.ok ? [] : refused.error.errors?.map(({ field }) => field)).toEqual(['timezone', 'theme']);
  expect(deskIn(room).read()).toMatchObject({ timezone: 'Asia/Kolkata', theme: 'system' });
});

it('falls back to the standard where a kept word is not understood', () => {
  const room = openAuditRoom();
  const kept = settings(room.store);
  kept.set('preference:theme', 'of a later version');
  kept.set('preference:sound', 'loud');
  kept.set('preference:colours', 'red_green');
  expect(deskIn(room).read()).toEqual({ timezone: 'Asia/Kolkata', theme: 'system', colours: 'red_green' });
});
