/** What a broker is to the gateway: a definition with its capabilities, its settings and a way to connect one account. */
import type { z } from 'zod';
import type { InstrumentId } from '#domain/instrument.ts';
import type { ClearedOrder } from '#domain/order.ts';
import type { AccountId } from '#domain/principal.ts';
import type { TapeFeed } from '#market/tape-feed.ts';
import type { BrokerAdapter, BrokerCapabilities, BrokerListing, Clock, MarketFeed } from '#ports.ts';
import type { Store } from '#store/open.ts';

/** The instruments of one broker's list, as the gateway keeps them. */
export interface BrokerDirectory {
  /** Those that have left the list too: their orders and positions outlive it. */
  byId(id: InstrumentId): BrokerListing | undefined;
  /** In the list now. */
  bySymbol(brokerSymbol: string): BrokerListing | undefined;
}

/**
 * Asked right before the first byte of an order or a replace leaves, however long it waited for its turn (`HttpCall.gate`): why it may
 * not any more, or undefined. What may not is `not_sent`. A cancel asks nobody.
 */
export type WireGate = (order: ClearedOrder) => string | undefined;

/** One sealed value that an adapter keeps through restarts (a daily token). Writing commits before it returns. */
export interface SecretSlot {
  read(): string | undefined;
  write(secret: string | undefined): void;
}

export interface BrokerConnection<S, C = unknown> {
  readonly account: {
    readonly id: AccountId;
    readonly mode: 'paper' | 'live';
    readonly currency: string;
    readonly settings: S;
  };
  /** As the owner gave them, opened; never written anywhere by an adapter. */
  readonly credentials: C;
  /** For what a sign-in gives; left alone where keys are all it takes. */
  readonly session: SecretSlot;
  /** For the embedded broker, whose books are here. */
  readonly store: Store;
  readonly clock: Clock;
  /** What a paper account trades on; undefined for a broker that has prices of its own. */
  readonly feed: TapeFeed | MarketFeed | undefined;
  readonly directory: BrokerDirectory;
  readonly gate: WireGate;
}

/** A field of the form that adds an account, and an option of the command that does. */
export interface BrokerField {
  /** Its key in `settings` or `credentials`. */
  readonly name: string;
  readonly label: string;
  readonly kind: 'setting' | 'credential';
  readonly hint?: string;
  /** What it may be; any text when absent. */
  readonly options?: readonly string[];
  readonly optional?: boolean;
}

export interface BrokerDefinition<
  S extends z.ZodType = z.ZodType,
  C extends z.ZodType = z.ZodType,
  A extends BrokerAdapter = BrokerAdapter,
> {
  /** The name of its folder. */
  readonly id: string;
  readonly label: string;
  readonly modes: readonly ('paper' | 'live')[];
  readonly capabilities: BrokerCapabilities;
  /** Strict: an unknown setting is an error. */
  readonly settings: S;
  /** Strict, strings only; what the owner types and nobody is shown again. */
  readonly credentials: C;
  readonly fields: readonly BrokerField[];
  /** Whose list of instruments an account with these settings trades; undefined: the built-in one. */
  directory(settings: z.output<S>, mode: 'paper' | 'live'): string | undefined;
  /** ISO 4217 code, or the asset code of a crypto account; undefined: that of the feed. */
  currency(settings: z.output<S>): string | undefined;
  /**
   * What of the sealed session outlives new credentials: whose account it is, and the names of orders that have no other. Absent:
   * nothing does.
   */
  keeps?(session: string): string | undefined;
  /**
   * Opens no connection yet: `start` does. Settings and credentials must have been parsed. Throws with one sentence when the account
   * can not be opened.
   */
  connect(connection: BrokerConnection<z.output<S>, z.output<C>>): A;
}

export function defineBroker<S extends z.ZodType, C extends z.ZodType, A extends BrokerAdapter>(
  definition: BrokerDefinition<S, C, A>,
): BrokerDefinition<S, C, A> {
  return definition;
}
