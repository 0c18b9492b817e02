/** What a broker is to the gateway: a definition with its capabilities, its settings and a way to connect one account. */
import type { z } from 'zod';
import type { AccountId } from '#domain/principal.ts';
import type { TapeFeed } from '#market/tape-feed.ts';
import type { BrokerAdapter, BrokerCapabilities, Clock } from '#ports.ts';
import type { Store } from '#store/open.ts';

export interface BrokerConnection<S> {
  readonly account: { readonly id: AccountId; readonly settings: S };
  readonly store: Store;
  readonly clock: Clock;
  readonly feed: TapeFeed;
}

export interface BrokerDefinition<S extends z.ZodType = z.ZodType, A extends BrokerAdapter = BrokerAdapter> {
  /** The name of its folder. */
  readonly id: string;
  readonly label: string;
  readonly capabilities: BrokerCapabilities;
  /** Strict: an unknown setting is an error. */
  readonly settings: S;
  /** Settings must have been parsed. Throws with one sentence when the account can not be opened. */
  connect(connection: BrokerConnection<z.output<S>>): A;
}

export function defineBroker<S extends z.ZodType, A extends BrokerAdapter>(
  definition: BrokerDefinition<S, A>,
): BrokerDefinition<S, A> {
  return definition;
}
