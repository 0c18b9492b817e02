/** Settings: what each is for, who sets it, when a change acts; and how the console looks. */
import { z } from 'zod';
import { ok } from '#domain/result.ts';
import { action, definePage, go, refused } from './define.ts';
import { GAIN_COLOURS, type SettingView, THEMES } from './desks.ts';

const HERE = '/admin/settings';

/** Where a setting stands on the page: the first whose names it has. */
const GROUPS: readonly { readonly id: string; readonly title: string; readonly holds: RegExp }[] = [
  { id: 'paper', title: 'New paper accounts', holds: /^PAPER_(?:PRESET|SEED|CASH|ACCOUNT_TYPE)$/ },
  { id: 'tape', title: 'The tape', holds: /^PAPER_/ },
  { id: 'agents', title: 'Agents and their days', holds: /^PORTCULLIS_(?:RATE_LIMIT_|TIMEZONE)/ },
  { id: 'remote', title: 'Remote MCP', holds: /^MCP_(?!OAUTH_KEYS_DIR|LOOPBACK)/ },
  {
    id: 'reach',
    title: 'Who may reach this gateway',
    holds: /^(?:HOST$|PORT$|TRUSTED|PORTCULLIS_(?:ALLOWED|PUBLIC))/,
  },
  { id: 'unneeded', title: 'Accepted and not needed', holds: /^MCP_LOOPBACK/ },
  { id: 'rest', title: 'Log, folders and the rest', holds: /./ },
];

const COLOUR_WORDS: Readonly<Record<(typeof GAIN_COLOURS)[number], string>> = {
  green_red: 'Gain green, loss red',
  red_green: 'Gain red, loss green (East Asian markets)',
  blue_orange: 'Gain blue, loss orange (told apart by everybody)',
};
const THEME_WORDS: Readonly<Record<(typeof THEMES)[number], string>> = {
  system: 'As the device has it',
  light: 'Light',
  dark: 'Dark',
};

export const settings = definePage({
  path: '/settings',
  title: 'Settings',
  view: 'settings.html',
  nav: { label: 'Settings', group: 'gateway' },
  load({ services }) {
    const all = services.settings.list();
    return ok({
      groups: GROUPS.map(({ id, title }) => {
        const rows = all.filter(({ name }) => groupOf(name) === id).map(settingRow);
        return {
          id,
          title,
          settings: rows,
          open: rows.some((one) => one.fixed_by === null && !one.neverStored),
        };
      }),
      waiting: all.filter(({ actingText }) => actingText !== null),
      set_aside: all.filter(({ setAside }) => setAside !== null),
      preferences: services.preferences.read(),
      themes: THEMES.map((id) => [id, THEME_WORDS[id]]),
      colours: GAIN_COLOURS.map((id) => [id, COLOUR_WORDS[id]]),
    });
  },
  actions: {
    save: action({
      input: z.object({ group: z.string() }).catchall(z.string().max(4_000)),
      proof: 'recent',
      async run({ services }, { group, ...texts }) {
        const trimmed = Object.entries(texts).map(([name, value]) => [name, value.trim()]);
        const saved = await services.settings.save(Object.fromEntries(trimmed) as Record<string, string>);
        if (!saved.ok) return refused(saved.error);
        const { changed, waiting } = saved.value;
        return go(`${HERE}#${GROUPS.find(({ id }) => id === group)?.id ?? ''}`, savedWords(changed, waiting));
      },
    }),
    preferences: action({
      input: z.strictObject({
        timezone: z.string().max(80),
        theme: z.string().max(40),
        colours: z.string().max(40),
      }),
      run({ services }, texts) {
        const saved = services.preferences.save({ ...texts, timezone: texts.timezone.trim() });
        return saved.ok
          ? go(`${HERE}#looks`, 'Saved: this is how the console looks now.')
          : refused(saved.error);
      },
    }),
  },
});

const groupOf = (name: string): string | undefined => GROUPS.find(({ holds }) => holds.test(name))?.id;

export const settingRow = (setting: SettingView) => ({
  ...setting,
  fixed_by: setting.source === 'environment' ? 'the environment' : setting.source === '.env' ? '.env' : null,
});

export function savedWords(changed: readonly string[], waiting: readonly string[]): string {
  if (changed.length === 0) return 'Nothing was changed: it was set so already.';
  const now = changed.filter((name) => !waiting.includes(name));
  const parts = [
    ...(now.length > 0 ? [`in force now: ${now.join(', ')}`] : []),
    ...(waiting.length > 0 ? [`with the next start: ${waiting.join(', ')}`] : []),
  ];
  return `Saved; ${parts.join('; ')}.`;
}
