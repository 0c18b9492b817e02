/** What the console's pages may reach: the owner's acts and looks, handed in by compose. */
import type { Access } from '#access/access.ts';
import type { AuditDesk } from '#audit/desk.ts';
import type { Refusal } from '#domain/refusal.ts';
import type { Result } from '#domain/result.ts';
import type { InstrumentBook } from '#market/master.ts';
import type { Clock, MarketFeed } from '#ports.ts';
import type { Trading } from '#trading/open.ts';

/** How a host on this machine starts the stdio door. */
export interface StdioLaunch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface ConsoleServices {
  readonly access: Access;
  readonly trading: Trading;
  readonly book: InstrumentBook;
  readonly audit: AuditDesk;
  readonly feed: MarketFeed;
  readonly clock: Clock;
  readonly version: string;
  /** IANA zone of the gateway (PORTCULLIS_TIMEZONE). */
  readonly timezone: string;
  readonly stdio: StdioLaunch;
  readonly settings: SettingsDesk;
  readonly preferences: PreferenceDesk;
}

/** A setting of the gateway as its page shows it. */
export interface SettingView {
  readonly name: string;
  readonly about: string;
  readonly standard: string;
  /** What the next start takes; null: a secret, which is never shown. */
  readonly text: string | null;
  readonly source: 'environment' | '.env' | 'stored' | 'standard';
  /** What acts until then, where that is something else. */
  readonly actingText: string | null;
  /** A change of it acts at once. */
  readonly atOnce: boolean;
  /** Why it can not be stored, as half a sentence. */
  readonly neverStored: string | null;
  /** What was stored and no longer holds, so that something else acts. */
  readonly setAside: { readonly text: string; readonly why: string } | null;
  /** The only words it takes. */
  readonly choices: readonly string[] | null;
}

/** The settings that the owner may store, under the environment and `.env`. */
export interface SettingsDesk {
  list(): readonly SettingView[];
  /**
   * Stores these, all of them or none, and says which have changed and which of those wait for the next start. What is fixed, unknown
   * or wrong is refused with its name.
   */
  save(
    texts: Readonly<Record<string, string>>,
  ): Result<{ readonly changed: readonly string[]; readonly waiting: readonly string[] }, Refusal>;
}

export const THEMES = ['system', 'light', 'dark'] as const;
/** Colours of gain and loss: East Asian markets have red for gain, and blue and orange tell them apart for everybody. */
export const GAIN_COLOURS = ['green_red', 'red_green', 'blue_orange'] as const;
export interface Preferences {
  /** IANA zone in which times are shown. */
  readonly timezone: string;
  readonly theme: (typeof THEMES)[number];
  readonly colours: (typeof GAIN_COLOURS)[number];
}

/** How the owner wants the console to look. */
export interface PreferenceDesk {
  read(): Preferences;
  save(texts: Readonly<Record<keyof Preferences, string>>): Result<Preferences, Refusal>;
}
