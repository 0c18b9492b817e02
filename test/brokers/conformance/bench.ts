/**
 * What a broker's test brings along to be put through the suite: its adapter over a simulator, and the controls of that simulator.
 * A control that is left out is a drill that the simulator does not have; its cases are skipped, and docs/brokers.md says so.
 */

import type { WireGate } from '#brokers/broker.ts';
import type { BudgetRule } from '#brokers/request-budget.ts';
import type { Instrument } from '#domain/instrument.ts';
import type { OrderType, Product, Side, TimeInForce } from '#domain/order.ts';
import type { BrokerAdapter, BrokerCapabilities, BrokerListing } from '#ports.ts';
import type { HandClock } from '../../support/hand-clock.ts';

export const DRILLS = [
  /** `venue.fault` and `venue.listen`: answers that are lost, late, wrong or refused. */
  'wire',
  /** `venue.stream`: a stream of events that can break. */
  'stream',
  /** `venue.stream.expireSession`: tokens that end. */
  'session',
  /** `venue.market`: prices of its own. */
  'market',
  /** `venue.placeElsewhere`: orders from the broker's own screen. */
  'elsewhere',
  /** `venue.end` with each of the three. */
  'venue cancels',
  'venue expires',
  'venue rejects late',
  /** `venue.skewClock`. */
  'clock',
] as const;
export type Drill = (typeof DRILLS)[number];

export interface ConformanceSubject {
  /** Of the broker's definition. */
  readonly broker: string;
  /** Where one definition has several subjects: its own, in kebab-case. The broker's when absent. */
  readonly name?: string;
  readonly label: string;
  /** Those that an account like the bench's has; a case compares them with what its adapter says. */
  readonly capabilities: BrokerCapabilities;
  /** What its simulator can do on request; the cases that need what is not in the list are skipped. */
  readonly drills: readonly Drill[];
  /** For docs/brokers.md: what its simulator was checked against, a sentence. Never "live". */
  readonly verifiedAgainst: string;
  /** The limits of requests that its budget keeps, as data; empty where there is none. */
  readonly limits: readonly BudgetRule[];
  /** What history answers to who has no cursor: everything (books kept here), or nothing that is old. */
  readonly historyBegins: 'at the first' | 'now';
  /** The gate is handed to the adapter as its connection's; where nothing is sent, there is nothing to hand it to. */
  open(gate: WireGate): Promise<ConformanceBench>;
}

/** Fresh for each case. The suite listens, calls `start` and waits for `connected` itself. */
export interface ConformanceBench {
  readonly adapter: BrokerAdapter;
  /** All that the adapter knows of time. */
  readonly clock: HandClock;
  /** What orders are made for: known to the directory and to the venue. */
  readonly instrument: Instrument;
  /** Its listing; undefined where the adapter has no market of its own. */
  readonly listing: BrokerListing | undefined;
  /** On tick; the quote that the venue begins with stands between them, so that neither limit fills by itself. */
  readonly prices: {
    readonly buyLimit: string;
    readonly sellLimit: string;
    readonly stopAbove: string;
    readonly stopBelow: string;
  };
  /** An ordinary quantity; `part` of it is a whole number of lots too, less than half. */
  readonly qty: { readonly whole: string; readonly part: string };
  /** The product that an order must name there; undefined: none has to. */
  readonly product: Product | undefined;
  /** Those of the declared ones that the instrument can be held under, where they are not all (shares are never carried forward). */
  readonly products?: readonly Product[];
  /** What an ordinary order of the suite is good for, where the longest that is declared is something else at the venue (a trigger). */
  readonly timeInForce?: TimeInForce;
  /** Canaries: what was given as credentials, tokens and session, each of 8 characters or more. */
  readonly secrets: readonly string[];
  readonly venue: VenueControls;
  /** Another adapter of the same account on the same venue and session, as after a restart; the first was closed before. */
  reopen(): Promise<BrokerAdapter>;
  /** Adapter, simulator, folders. */
  close(): Promise<void>;
}

/** What reaches a venue; `read` is every question about orders, history, positions and money, `price` about prices. */
export type VenueRequest = 'place' | 'replace' | 'cancel' | 'read' | 'price';

/** An order as the venue has it: what it understands it to be, in our words; decimals exactly as they were sent. */
export interface VenueOrder {
  readonly brokerOrderId: string;
  readonly side: Side;
  readonly type: OrderType;
  readonly timeInForce: TimeInForce;
  readonly qty: string;
  readonly filledQty: string;
  readonly limitPrice: string | undefined;
  readonly stopPrice: string | undefined;
  readonly status: 'open' | 'partially_filled' | 'filled' | 'canceled' | 'expired' | 'rejected';
}

export interface VenueControls {
  /** Requests of the kind that have reached it, those that it refused or left without an answer included. */
  count(kind: VenueRequest): number;
  /** Every request, by its method and path (or the name of the call), oldest first. */
  asked(): readonly string[];
  /** By our `brokerClientId`, however the adapter writes it there. */
  order(brokerClientId: string): VenueOrder | undefined;
  /** How many orders there are or have been. */
  orderCount(): number;
  /** Fills so much of a working order, by our id or, from elsewhere, by the venue's; the events leave in this turn, unless held. */
  fill(id: string, qty: string, price: string): Promise<void>;
  /** The venue itself ends a working order. */
  end?(brokerClientId: string, status: 'canceled' | 'expired' | 'rejected', reason: string): Promise<void>;
  /** It says no to the next such request, in its usual way. Returns words of its reason, which must come through. */
  rejectNext(kind: 'place' | 'replace' | 'cancel'): string;
  /** A limit order from the broker's own screen; returns its id there. */
  placeElsewhere?(order: {
    readonly side: Side;
    readonly qty: string;
    readonly limit: string;
  }): Promise<string>;
  /** The touch, from now on. */
  quote(bid: string, ask: string): Promise<void>;
  fault?(kind: VenueRequest, fault: WireFault): void;
  /** Whether anything listens there: false refuses connections, and ends those that there are. */
  listen?(on: boolean): Promise<void>;
  readonly stream?: StreamControls;
  readonly market?: MarketControls;
  /** Its clock against the bench's, in milliseconds. */
  skewClock?(ms: number): void;
}

/** What becomes of the next request of a kind. */
export interface WireFault {
  /** Whether the venue does what it was asked before the fault. */
  readonly carriedOut: boolean;
  readonly answer:
    | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: string }
    /** Nothing, ever; the connection stays. */
    | { readonly kind: 'silent' }
    /** The connection is reset once the request has been read. */
    | { readonly kind: 'reset' }
    /** Half of the usual answer, then the end. */
    | { readonly kind: 'cut' }
    /** The usual status with a body that is not JSON. */
    | { readonly kind: 'malformed' }
    /** The usual answer with a value that no document knows where it names a state. */
    | { readonly kind: 'unknown-value' };
}

export interface StreamControls {
  /** Ends every connection of the stream; new ones are taken. */
  drop(): Promise<void>;
  /** true: the connections stand and nothing comes any more, no pong either. New ones are taken and work. */
  freeze(): void;
  /** Keeps back what it would say about orders and executions. */
  hold(): void;
  release(how: 'in order' | 'reversed' | 'twice'): Promise<void>;
  /** Something that no document knows: an event, or a state of an order. */
  sayUnknown(): Promise<void>;
  /** Something that can not be read. */
  sayGarbage(): Promise<void>;
  /** The session that it was opened with is no more; requests with it are refused. */
  expireSession?(): Promise<void>;
}

export interface MarketControls {
  /** Something that can not be a price: a bid of nothing, or above the ask. */
  quoteNonsense(): Promise<void>;
  /** Complete bars of one minute that it tells, oldest first: times in epoch ms. */
  readonly barTimesMs: readonly number[];
  /** Ends every connection of the stream of prices. */
  drop(): Promise<void>;
  freeze(): void;
}
