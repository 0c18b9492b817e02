/** The words of the human half: what a browser asks of a page, what a page shows, and what comes of it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Visitor } from '#access/owner.ts';
import type { Refusal } from '#domain/refusal.ts';
import type { ConsentForm, ConsentView } from './consent.ts';
import type { RemoteClient } from './records.ts';

/** One request of a browser for the page of the interaction `uid`. */
export interface PageCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly uid: string;
  readonly from: Visitor;
}

export interface SignInForm {
  readonly name: string;
  readonly passphrase: string;
  readonly code?: string | undefined;
}

interface AnyPage {
  readonly uid: string;
  readonly client: RemoteClient;
  /** Where the answer goes. */
  readonly redirectUri: string;
  readonly expiresAtMs: number;
}
export type InteractionPage =
  | (AnyPage & { readonly kind: 'waiting' })
  /** `claimed` false: nobody owns this gateway yet, so that nobody can sign in. */
  | (AnyPage & { readonly kind: 'sign_in'; readonly claimed: boolean; readonly asksForCode: boolean })
  | (AnyPage & { readonly kind: 'consent'; readonly consent: ConsentView });

export type PageOutcome =
  /** The response is answered: the browser is on its way. */
  | { readonly kind: 'sent' }
  /** This page was answered already: on to where the first answer went. */
  | { readonly kind: 'resume'; readonly path: string }
  | { readonly kind: 'page'; readonly page: InteractionPage; readonly refusal?: Refusal }
  /** Nothing of this browser's is open at this address (any more). */
  | { readonly kind: 'over'; readonly why: 'expired' | 'halted' };

export interface Interactions {
  /** What the page shows, as things stand. A client that was approved while its page waited goes on by itself. */
  look(call: PageCall): Promise<PageOutcome>;
  /** For the page that waits: whether looking again would show something else. Acts on nothing. */
  waits(call: PageCall): Promise<boolean>;
  signIn(call: PageCall, form: SignInForm): Promise<PageOutcome>;
  consent(call: PageCall, form: ConsentForm): Promise<PageOutcome>;
  /** The person does not want it: `access_denied`. */
  deny(call: PageCall): Promise<PageOutcome>;
  /** The same, by a press on the page that waits. */
  goOn(call: PageCall): Promise<PageOutcome>;
  /** From the waiting page, to the app: `unauthorized_client`. */
  back(call: PageCall): Promise<PageOutcome>;
}
