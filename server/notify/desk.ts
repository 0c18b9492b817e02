/** What the owner does with the places where messages go: sees them masked, adds, changes, orders, tries and removes them. */
import type { Owner } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import type { Result } from '#domain/result.ts';
import type { ChannelField, ChannelId } from './channel.ts';
import type { Delivery } from './jobs.ts';
import type { NotifyKind } from './kinds.ts';

export type { ChannelField, ChannelId } from './channel.ts';
export type { Delivery } from './jobs.ts';

export interface DestinationView {
  readonly id: string;
  readonly channel: ChannelId;
  readonly channelLabel: string;
  readonly label: string;
  /** Enough to know which one it is; null: it does not open under the key that is there. */
  readonly masked: string | null;
  readonly kinds: readonly NotifyKind[];
  readonly createdAtMs: number;
}

export interface ChannelView {
  readonly id: ChannelId;
  readonly label: string;
  readonly words: string;
  readonly fields: readonly ChannelField[];
}

export interface GivenDestination {
  readonly channel: ChannelId;
  readonly label: string;
  readonly kinds: readonly NotifyKind[];
  /** By the names of the channel's fields. */
  readonly fields: Readonly<Record<string, string>>;
}

export interface NotifyDesk {
  readonly channels: readonly ChannelView[];
  /** First told first. */
  destinations(): readonly DestinationView[];
  /** Looks at a form and changes nothing. */
  check(given: GivenDestination): Result<void, Refusal>;
  /** `secret`: what the receiver checks messages by, given this once. */
  add(
    given: GivenDestination,
    by: Owner,
  ): Result<{ readonly id: string; readonly secret: string | undefined }, Refusal>;
  /** Without a field filled in, where it leads stays. */
  change(
    id: string,
    to: Omit<GivenDestination, 'channel'>,
    by: Owner,
  ): Result<{ readonly secret: string | undefined }, Refusal>;
  /** Looks at the form of a change, and changes nothing. */
  checkChange(id: string, to: Omit<GivenDestination, 'channel'>): Result<unknown, Refusal>;
  /** One place earlier. */
  raise(id: string, by: Owner): Result<void, Refusal>;
  remove(id: string, by: Owner): Result<void, Refusal>;
  /** Sends a message there now; the error says in a sentence why it did not arrive. */
  test(id: string): Promise<Result<void, string>>;
  deliveries(): readonly Delivery[];
  /** What links begin with; `own`: as the owner entered it, '' while it is the gateway's own. */
  consoleUrl(): { readonly own: string; readonly acting: string | undefined };
  setConsoleUrl(text: string, by: Owner): Result<void, Refusal>;
}
