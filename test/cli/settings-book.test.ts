// Stored settings: under the environment and .env, all or none, on the record, and never in the way of a start.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSettingsBook } from '#cli/settings-book.ts';
import { type Config, declarationOf, loadConfig, SETTING_NAMES } from '#config.ts';
import type { SettingView } from '#console/desks.ts';
import { OWNER_CONSOLE } from '#domain/principal.ts';
import { fieldError } from '#domain/refusal.ts';
import { settings } from '#store/settings.ts';
import { type AuditRoom, openAuditRoom } from '../support/audit-room.ts';

const nothingElse = (): undefined => undefined;
function bookIn(room: AuditRoom, environment: Record<string, string> = {}, envFile?: string) {
  const given = loadConfig({ environment, ...(envFile === undefined ? {} : { envFile }) });
  const book = openSettingsBook({ store: room.store, audit: room.log, given });
  const desk = book.desk(OWNER_CONSOLE, nothingElse);
  const of = (name: string): SettingView => {
    const found = desk.list().find((one) => one.name === name);
    if (found === undefined) throw new Error(`${name} is not listed`);
    return found;
  };
  return { book, desk, of };
}
const wrongFields = (result: {
  ok: boolean;
  error?: { errors?: readonly { field: string; rule: string }[] };
}) => (result.ok ? 'saved' : result.error?.errors?.map(({ field, rule }) => `${field}: ${rule}`));
const storedRows = (room: AuditRoom) => Object.fromEntries(settings(room.store).under('config:'));
const changesOnRecord = (room: AuditRoom) => {
  room.log.flush();
  return room.store.db
    .prepare<[], string>(`SELECT line FROM audit WHERE kind = 'settings.changed' ORDER BY seq`)
    .pluck()
    .all()
    .map((line) => JSON.parse(line) as { detail: { changes: unknown[] }; door: string; credential: string });
};

describe('what decides a setting', () => {
  it('is the environment before .env before what is stored before the standard', () => {
    const room = openAuditRoom();
    const { desk } = bookIn(room);
    expect(desk.save({ PORTCULLIS_TIMEZONE: 'Asia/Tokyo', MCP_OAUTH_CODE_TTL: '61' })).toMatchObject({
      ok: true,
    });
    const envFile = join(room.root, '.env');
    writeFileSync(envFile, 'PORTCULLIS_TIMEZONE=Europe/Paris\nMCP_OAUTH_ACCESS_TTL=901\n');
    const later = bookIn(room, { MCP_OAUTH_ACCESS_TTL: '902' }, envFile);
    expect(later.book.acting()).toMatchObject({
      PORTCULLIS_TIMEZONE: 'Europe/Paris',
      MCP_OAUTH_ACCESS_TTL: 902,
      MCP_OAUTH_CODE_TTL: 61,
      MCP_OAUTH_REFRESH_TTL: 2_592_000,
    });
    const sources = [
      'MCP_OAUTH_ACCESS_TTL',
      'PORTCULLIS_TIMEZONE',
      'MCP_OAUTH_CODE_TTL',
      'MCP_OAUTH_REFRESH_TTL',
    ];
    expect(sources.map((name) => later.of(name).source)).toEqual([
      'environment',
      '.env',
      'stored',
      'standard',
    ]);
    expect(later.book.setAside()).toEqual([]);
  });

  it('is listed for every setting, with its purpose, and the key is never shown', () => {
    const key = `pcl_${'k'.repeat(43)}`;
    const { desk, of } = bookIn(openAuditRoom(), { PORTCULLIS_KEY: key });
    expect(desk.list().map(({ name }) => name)).toEqual(SETTING_NAMES);
    expect(desk.list().every(({ about }) => about.length > 10)).toBe(true);
    expect(of('PORTCULLIS_KEY')).toMatchObject({ text: null, actingText: null, source: 'environment' });
    expect(JSON.stringify(desk.list())).not.toContain(key);
    expect(of('LOG_LEVEL').choices).toContain('debug');
    expect(of('MCP_HTTP_ENABLED').choices).toEqual(['false', 'true']);
    expect(of('MCP_PUBLIC_URL').choices).toBeNull();
  });
});

describe('saving', () => {
  it('changes at once what says so, and the rest with the next start', () => {
    const room = openAuditRoom();
    const { book, desk, of } = bookIn(room);
    const heard: Config[] = [];
    book.onActing((config) => heard.push(config));
    const saved = desk.save({ LOG_LEVEL: 'debug', PORTCULLIS_TIMEZONE: 'Asia/Tokyo', PAPER_SEED: '1' });
    expect(saved).toMatchObject({
      ok: true,
      value: { changed: ['LOG_LEVEL', 'PORTCULLIS_TIMEZONE'], waiting: ['PORTCULLIS_TIMEZONE'] },
    });
    expect(heard.map((config) => config.LOG_LEVEL)).toEqual(['debug']);
    expect(book.acting()).toMatchObject({ LOG_LEVEL: 'debug', PORTCULLIS_TIMEZONE: 'UTC' });
    expect(of('PORTCULLIS_TIMEZONE')).toMatchObject({
      text: 'Asia/Tokyo',
      actingText: 'UTC',
      source: 'stored',
    });
    expect(of('LOG_LEVEL')).toMatchObject({ text: 'debug', actingText: null, atOnce: true });
    expect(bookIn(room).book.acting().PORTCULLIS_TIMEZONE).toBe('Asia/Tokyo');
  });

  it('is heard by everybody in turn, though one of them fails, and the failure is told', () => {
    const { book, desk } = bookIn(openAuditRoom());
    const heard: string[] = [];
    const fault = new Error('nothing can be written');
    book.onActing(() => {
      heard.push('first');
      throw fault;
    });
    book.onActing(({ LOG_LEVEL }) => heard.push(LOG_LEVEL));
    book.onActing(() => {
      throw new Error('another');
    });
    expect(() => desk.save({ LOG_LEVEL: 'debug' })).toThrow(fault);
    expect(heard).toEqual(['first', 'debug']);
    expect(book.acting().LOG_LEVEL).toBe('debug');
  });

  it('is on the record with before and after, once, and not at all when nothing changes', () => {
    const room = openAuditRoom();
    const { desk } = bookIn(room);
    desk.save({ LOG_LEVEL: 'debug' });
    desk.save({ LOG_LEVEL: 'debug', PORTCULLIS_TIMEZONE: 'UTC' });
    desk.save({ LOG_LEVEL: 'loud' });
    expect(changesOnRecord(room)).toMatchObject([
      {
        credential: 'owner',
        door: 'console',
        detail: { changes: [{ name: 'LOG_LEVEL', before: 'info', after: 'debug' }] },
      },
    ]);
  });

  it('does not keep what is the standard anyway', () => {
    const room = openAuditRoom();
    const { desk } = bookIn(room);
    desk.save({ MCP_OAUTH_CODE_TTL: '61' });
    expect(storedRows(room)).toEqual({ MCP_OAUTH_CODE_TTL: '61' });
    desk.save({ MCP_OAUTH_CODE_TTL: '60' });
    expect(storedRows(room)).toEqual({});
  });

  it.each([
    [{ LOG_LEVEL: 'loud' }, /^LOG_LEVEL: must be fatal/],
    [{ PORTT: '1' }, /^PORTT: is not a setting/],
    [{ DATA_DIR: '/elsewhere' }, /^DATA_DIR: can not be stored: stored settings lie in these folders/],
    [{ PORT: '1' }, /^PORT: can not be stored: a wrong one would shut you out/],
    [{ PORTCULLIS_KEY: 'pcl_x' }, /^PORTCULLIS_KEY: can not be stored: it is a secret/],
    [{ MCP_OAUTH_CODE_TTL: '61' }, /^MCP_OAUTH_CODE_TTL: is fixed by the environment/],
    [{ PORTCULLIS_PUBLIC_REST: 'true' }, /^PORTCULLIS_PUBLIC_REST: .* has nothing to act on/],
    [{ MCP_HTTP_ENABLED: 'true' }, /^MCP_HTTP_ENABLED: MCP_PUBLIC_URL is required/],
    [
      { MCP_OAUTH_REQUIRE_APPROVAL: 'false', MCP_OAUTH_WRITE_SCOPE_ENABLED: 'true' },
      /needs MCP_OAUTH_REQUIRE_APPROVAL=true/,
    ],
  ])('refuses %j at its field, and takes nothing of what came with it', (texts, said) => {
    const room = openAuditRoom();
    const { book, desk } = bookIn(room, { MCP_OAUTH_CODE_TTL: '60' });
    const refused = desk.save({ ...texts, MCP_OAUTH_ACCESS_TTL: '901' });
    expect((wrongFields(refused) as string[])[0]).toMatch(said);
    expect(storedRows(room)).toEqual({});
    expect(book.acting().MCP_OAUTH_ACCESS_TTL).toBe(900);
    expect(changesOnRecord(room)).toEqual([]);
  });

  it('asks what only a start would find out, and refuses at the field it names', () => {
    const room = openAuditRoom();
    const { book } = bookIn(room);
    const desk = book.desk(OWNER_CONSOLE, (next) =>
      next.PAPER_TAPE === 'sample' ? undefined : fieldError('PAPER_TAPE', '', 'is not there'),
    );
    expect(wrongFields(desk.save({ PAPER_TAPE: '/nowhere.csv' }))).toEqual(['PAPER_TAPE: is not there']);
    expect(storedRows(room)).toEqual({});
  });
});

describe('a stored setting that no longer holds', () => {
  it('is set aside with its reason instead of keeping the gateway from starting', () => {
    const room = openAuditRoom();
    const rows = settings(room.store);
    rows.set('config:LOG_LEVEL', 'loud');
    rows.set('config:PORT', '1');
    rows.set('config:OF_A_LATER_VERSION', 'x');
    rows.set('config:MCP_OAUTH_CODE_TTL', '61');
    const { book, of } = bookIn(room);
    expect(book.acting()).toMatchObject({ LOG_LEVEL: 'info', PORT: 7800, MCP_OAUTH_CODE_TTL: 61 });
    expect(book.setAside().map(({ name, why }) => `${name}: ${why}`)).toEqual([
      'PORT: PORT can not be stored: a wrong one would shut you out of this page.',
      expect.stringMatching(/^LOG_LEVEL: LOG_LEVEL must be fatal.*\.$/),
    ]);
    expect(of('LOG_LEVEL')).toMatchObject({ text: 'info', setAside: { text: 'loud' } });
  });

  it('is one of two that do not go together, when the environment has brought the other', () => {
    const room = openAuditRoom();
    settings(room.store).set('config:MCP_OAUTH_REQUIRE_APPROVAL', 'false');
    expect(bookIn(room).book.setAside()).toEqual([]);
    const { book } = bookIn(room, { MCP_OAUTH_WRITE_SCOPE_ENABLED: 'true' });
    expect(book.acting().MCP_OAUTH_REQUIRE_APPROVAL).toBe(true);
    expect(book.setAside()).toMatchObject([{ name: 'MCP_OAUTH_REQUIRE_APPROVAL', text: 'false' }]);
  });

  it('is replaced by what the owner saves next, the standard included', () => {
    const room = openAuditRoom();
    settings(room.store).set('config:LOG_LEVEL', 'loud');
    const { book, desk, of } = bookIn(room);
    expect(desk.save({ LOG_LEVEL: 'info' })).toMatchObject({ ok: true, value: { changed: ['LOG_LEVEL'] } });
    expect(book.setAside()).toEqual([]);
    expect(of('LOG_LEVEL')).toMatchObject({ source: 'standard', setAside: null });
    expect(storedRows(room)).toEqual({});
  });

  it('gives way to the start that found it wanting', () => {
    const room = openAuditRoom();
    settings(room.store).set('config:PAPER_TAPE', '/gone.csv');
    const { book, of } = bookIn(room);
    expect(book.doWithout(['PAPER_TAPE', 'PAPER_SYMBOL'], 'It has gone.').PAPER_TAPE).toBe('sample');
    expect(of('PAPER_TAPE')).toMatchObject({ setAside: { text: '/gone.csv', why: 'It has gone.' } });
    expect(of('PAPER_SYMBOL').setAside).toBeNull();
  });
});

it('every setting says whether it may be stored, and folders and secrets never may', () => {
  const never = SETTING_NAMES.filter((name) => declarationOf(name).storing.kind === 'never');
  for (const name of ['DATA_DIR', 'LOG_DIR', 'MCP_OAUTH_KEYS_DIR', 'PORTCULLIS_KEY'] as const)
    expect(never).toContain(name);
});
