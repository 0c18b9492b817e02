/** One request to the authorization server: the epoch that it came in, and what is to be written once it has succeeded. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { ProviderEndpoint, Sender } from './parts.ts';

export interface Exchange {
  readonly endpoint: ProviderEndpoint['kind'] | 'page';
  /** Of the token endpoint. */
  readonly grantType: string | undefined;
  /** What was begun before a kill is written under its own epoch, and so is dead when it arrives. */
  readonly epoch: number;
  /** Who asks, and from which network. */
  readonly sender: Sender;
  readonly network: string;
  /** The digest of its browser's mark; undefined: it brings none. */
  readonly browser: string | undefined;
  /**
   * Of the token endpoint: all in one commit at the end, or none of it, so that a refused or failed request burns no token and
   * leaves none without its successor.
   */
  readonly writes: (() => void)[];
}

export interface Exchanges {
  run<T>(exchange: Exchange, work: () => Promise<T>): Promise<T>;
  current(): Exchange;
}

export function openExchanges(): Exchanges {
  const running = new AsyncLocalStorage<Exchange>();
  return {
    run: (exchange, work) => running.run(exchange, work),
    current() {
      const exchange = running.getStore();
      if (!exchange) throw new Error('the authorization server keeps and finds things inside a request only');
      return exchange;
    },
  };
}

/** Somebody else has used up what this request was about to use up. */
export class UsedMeanwhile extends Error {
  readonly grantId: string;
  constructor(grantId: string) {
    super('used up by another request');
    this.grantId = grantId;
  }
}
