/** The settings that the owner has stored: laid under the environment and `.env`, changed all or none, and set aside where they no longer hold. */
import type { AuditLog } from '#audit/log.ts';
import {
  type Config,
  declarationOf,
  type Given,
  SETTING_NAMES,
  type SettingName,
  settingValue,
  withSettings,
} from '#config.ts';
import type { SettingsDesk, SettingView } from '#console/desks.ts';
import type { Owner } from '#domain/principal.ts';
import { type FieldError, fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { Store } from '#store/open.ts';
import { settings } from '#store/settings.ts';
import { refusedCombinations } from './setting-combinations.ts';

const PREFIX = 'config:';

type Texts = Readonly<Partial<Record<SettingName, string>>>;

export interface SetAside {
  readonly name: SettingName;
  readonly text: string;
  /** A whole sentence. */
  readonly why: string;
}

export interface SettingsBook {
  /** What acts now: as started, with those changes since that act at once. */
  acting(): Config;
  /** What was stored and does not act, with the reason. */
  setAside(): readonly SetAside[];
  /** For what shows itself only at the start (a tape that has gone): the same settings without these. */
  doWithout(names: readonly SettingName[], why: string): Config;
  /** Called after the commit with every change that acts at once, in this order; one that throws keeps it from no other. */
  onActing(listener: (config: Config) => void): void;
  /** For whoever may change them by this door. `objection` says what is wrong with settings that only a start would find out. */
  desk(by: Owner, objection: (next: Config) => FieldError | undefined): StoredSettings;
}

export interface StoredSettings extends Pick<SettingsDesk, 'list'> {
  /** What the next start would go with if these were saved; refused as saving them is, up to the objection. */
  next(texts: Readonly<Record<string, string>>): Result<Config, Refusal>;
  save(texts: Readonly<Record<string, string>>): Awaited<ReturnType<SettingsDesk['save']>>;
}

export interface SettingsBookOptions {
  readonly store: Store;
  readonly audit: Pick<AuditLog, 'record'>;
  /** From the environment and `.env`. */
  readonly given: Config;
}

export function openSettingsBook({ store, audit, given }: SettingsBookOptions): SettingsBook {
  const rows = settings(store);
  const stored = (): Texts => Object.fromEntries(rows.under(PREFIX));
  const laid = layUnder(given, stored());
  const aside = [...laid.setAside];
  let acting = laid.config;
  const listeners: ((config: Config) => void)[] = [];

  /** What would change and what a start would then go with; what is wrong with the texts, alone and together. */
  function judge(texts: Readonly<Record<string, string>>): Result<Judged, Refusal> {
    const before = layUnder(given, stored()).config;
    const errors = Object.entries(texts).flatMap(([name, text]) => wrongWith(given, name, text) ?? []);
    if (errors.length > 0) return err(notSaved(errors));
    const changes = changesOf(before, texts, aside);
    const next = withSettings(before, givenOf(changes));
    const together = refusedCombinations(next).map(({ names, sentence }) =>
      fieldError(names.find((name) => name in texts) ?? names[0] ?? '', '', sentence),
    );
    if (changes.length > 0 && together.length > 0) return err(notSaved(together));
    return ok({ changes, next });
  }

  /** Writes what has changed, with its line on the record; what is as the standard is not kept. */
  function write(changes: readonly Change[], by: Owner): void {
    store.transaction(() => {
      for (const { name, after } of changes) {
        if (after === declarationOf(name).standard) rows.remove(PREFIX + name);
        else rows.set(PREFIX + name, after);
      }
      audit.record({
        kind: 'settings.changed',
        credential: by.credential,
        door: by.door,
        outcome: 'ok',
        detail: { changes: changes.map(({ name, before, after }) => ({ name, before, after })) },
      });
    });
  }

  function take(changes: readonly Change[]): void {
    const names = changes.map(({ name }) => name);
    aside.splice(0, aside.length, ...aside.filter(({ name }) => !names.includes(name)));
    const now = changes.filter(({ name }) => declarationOf(name).storing.kind === 'at_once');
    if (now.length === 0) return;
    acting = withSettings(acting, givenOf(now));
    tellEach(listeners, acting);
  }

  return {
    acting: () => acting,
    setAside: () => aside,
    doWithout(names, why) {
      for (const name of names) {
        const { source, text } = acting.given[name];
        if (source === 'stored') aside.push({ name, text, why });
      }
      acting = withSettings(acting, Object.fromEntries(names.map((name) => [name, given.given[name]])));
      return acting;
    },
    onActing: (listener) => void listeners.push(listener),
    desk: (by, objection) => ({
      list() {
        const next = layUnder(given, stored()).config;
        return SETTING_NAMES.map((name) => view(name, { next, acting, aside }));
      },
      next(texts) {
        const judged = judge(texts);
        return judged.ok ? ok(judged.value.next) : judged;
      },
      save(texts) {
        const judged = judge(texts);
        if (!judged.ok) return judged;
        const { changes, next } = judged.value;
        if (changes.length > 0) {
          const wrong = objection(next);
          if (wrong !== undefined) return err(notSaved([wrong]));
          write(changes, by);
          take(changes);
        }
        const waiting = changes.filter(({ name }) => declarationOf(name).storing.kind === 'at_next_start');
        return ok({ changed: changes.map(({ name }) => name), waiting: waiting.map(({ name }) => name) });
      },
    }),
  };
}

/** Throws what the first of them has thrown, once all have heard. */
function tellEach(listeners: readonly ((config: Config) => void)[], config: Config): void {
  const thrown: unknown[] = [];
  for (const listener of listeners)
    try {
      listener(config);
    } catch (cause) {
      thrown.push(cause);
    }
  if (thrown.length > 0) throw thrown[0];
}

interface Change {
  readonly name: SettingName;
  readonly before: string;
  readonly after: string;
}

interface Judged {
  readonly changes: readonly Change[];
  readonly next: Config;
}

const givenOf = (changes: readonly Change[]): Partial<Record<SettingName, Given>> =>
  Object.fromEntries(
    changes.map(({ name, after }) => [
      name,
      { source: after === declarationOf(name).standard ? 'standard' : 'stored', text: after },
    ]),
  );

/** What differs from the next start as it is now; what was set aside is written anew even where nothing else changes. */
function changesOf(
  before: Config,
  texts: Readonly<Record<string, string>>,
  aside: readonly SetAside[],
): readonly Change[] {
  return SETTING_NAMES.flatMap((name) => {
    const after = texts[name];
    if (after === undefined) return [];
    const found = aside.find((one) => one.name === name);
    if (found !== undefined) return { name, before: found.text, after };
    const { text } = before.given[name];
    return after === text ? [] : { name, before: text, after };
  });
}

const notSaved = (errors: readonly FieldError[]) =>
  refuse('invalid_input', 'The settings were not saved; see the fields.', { errors });

/** undefined: it may be stored, and its text keeps the rule. */
function wrongWith(given: Config, name: string, text: string): FieldError | undefined {
  const known = SETTING_NAMES.find((one) => one === name);
  if (known === undefined) return fieldError(name, '', 'is not a setting');
  const { storing } = declarationOf(known);
  if (storing.kind === 'never') return fieldError(name, '', `can not be stored: ${storing.why}`);
  const { source } = given.given[known];
  if (source !== 'standard')
    return fieldError(name, '', `is fixed by ${source === '.env' ? 'the file .env' : 'the environment'}`);
  const value = settingValue(known, text);
  return value.ok ? undefined : fieldError(name, text, value.error);
}

/**
 * Stored texts under what the environment and `.env` say. One that breaks its rule, or together with others what a start refuses, is
 * set aside: a stored setting must not keep the gateway, and with it this page, from starting.
 */
export function layUnder(given: Config, stored: Texts): { config: Config; setAside: readonly SetAside[] } {
  const setAside: SetAside[] = [];
  const taken = new Map<SettingName, string>();
  for (const name of SETTING_NAMES) {
    const text = stored[name];
    if (text === undefined || given.given[name].source !== 'standard') continue;
    const { storing } = declarationOf(name);
    const value = settingValue(name, text);
    if (storing.kind === 'never')
      setAside.push({ name, text, why: `${name} can not be stored: ${storing.why}.` });
    else if (!value.ok) setAside.push({ name, text, why: `${name} ${value.error}.` });
    else taken.set(name, text);
  }
  for (;;) {
    const changed = [...taken].map(([name, text]) => [name, { source: 'stored', text }] as const);
    const config = withSettings(given, Object.fromEntries(changed));
    const blame = refusedCombinations(config).flatMap(({ names, sentence }) => {
      const name = names.find((one) => taken.has(one));
      return name === undefined ? [] : { name, sentence };
    });
    const [first] = blame;
    if (first === undefined) return { config, setAside };
    setAside.push({ name: first.name, text: taken.get(first.name) ?? '', why: first.sentence });
    taken.delete(first.name);
  }
}

interface Seen {
  readonly next: Config;
  readonly acting: Config;
  readonly aside: readonly SetAside[];
}

function view(name: SettingName, { next, acting, aside }: Seen): SettingView {
  const { about, standard, storing, secret, choices } = declarationOf(name);
  const { source, text } = next.given[name];
  const actingText = acting.given[name].text;
  const found = aside.find((one) => one.name === name);
  return {
    name,
    about,
    standard,
    text: secret ? null : text,
    source,
    actingText: secret || actingText === text || found !== undefined ? null : actingText,
    atOnce: storing.kind === 'at_once',
    neverStored: storing.kind === 'never' ? storing.why : null,
    setAside: found === undefined ? null : { text: found.text, why: found.why },
    choices: choices ?? null,
  };
}
