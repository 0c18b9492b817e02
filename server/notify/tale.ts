/** What a line of the record can be to the owner, and how lines are read for it. */
import type { AuditLine } from '#audit/query.ts';
import type { AskingClient } from './asking-clients.ts';
import type { NotifyKind } from './kinds.ts';
import type { Draft } from './outbox.ts';

export type Tale =
  /** `asks`: the agent that brings it about by asking, as often as it likes. */
  | { readonly kind: 'tell'; readonly draft: Draft; readonly asks?: string }
  /** What stood is over; `news` is told only where something stood. */
  | {
      readonly kind: 'over';
      readonly of: NotifyKind;
      readonly subject: string;
      readonly news?: Draft;
    }
  | { readonly kind: 'fill'; readonly fill: Fill }
  | { readonly kind: 'client_asks'; readonly client: AskingClient }
  | { readonly kind: 'client_answered'; readonly id: string }
  | { readonly kind: 'refusal'; readonly agent: string; readonly reason: string; readonly count: number };

export interface Fill {
  readonly agent: string;
  readonly account: string;
  readonly side: string;
  readonly symbol: string;
  /** Decimal strings. */
  readonly qty: string;
  readonly price: string;
}

/** A line, read without trusting that anything is in it. */
export interface Read {
  readonly agent: string;
  readonly account: string;
  readonly line: AuditLine;
  /** '' where there is none. */
  readonly text: (name: string) => string;
}

export const tell = (draft: Draft): Tale => ({ kind: 'tell', draft });

// Pages of the console.
export const agentPage = (agent: string): string => `/admin/agents/${encodeURIComponent(agent)}`;
export const accountPage = (account: string): string => `/admin/accounts/${encodeURIComponent(account)}`;
export const orderPage = (order: string): string => `/admin/orders/${encodeURIComponent(order)}`;
