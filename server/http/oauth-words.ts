/** What the pages of an authorization say: where an answer goes, what each scope lets a client do, what a mandate allows. */
import { LIMIT_FIELDS } from '#console/mandate-form.ts';
import type { MandateDocument } from '#domain/mandate.ts';
import type { Scope } from '#domain/principal.ts';
import {
  CONSENT_DAYS,
  CONSENT_DAYS_STANDARD,
  type ConsentAccount,
  type ConsentAgent,
  type ConsentView,
} from '#oauth/consent.ts';
import type { BrowserProblem } from '#oauth/parts.ts';
import { isLoopbackName } from './perimeter.ts';

/** Where the browser, and with it the answer, goes. */
export interface Target {
  readonly kind: 'site' | 'this_device' | 'app';
  /** `claude.ai`, `127.0.0.1:33418`, `cursor:`. International names as what they are on the wire, so that none looks like another. */
  readonly place: string;
  readonly uri: string;
}

export function targetOf(redirectUri: string): Target {
  const { protocol, hostname, host, href } = new URL(redirectUri);
  if (protocol !== 'https:' && protocol !== 'http:') return { kind: 'app', place: protocol, uri: href };
  return { kind: isLoopbackName(hostname) ? 'this_device' : 'site', place: host, uri: href };
}

/** What `form-action` must let through for a redirect to these; a source can not name an IPv6 address, so there the scheme must do. */
export function formTargets(redirectUris: readonly string[]): readonly string[] {
  const sources = redirectUris.map((uri) => {
    const { protocol, origin, hostname } = new URL(uri);
    return origin === 'null' || hostname.startsWith('[') ? protocol : origin;
  });
  return [...new Set(sources)];
}

interface ScopeWords {
  readonly title: string;
  readonly words: string;
}
const SCOPE_WORDS: Readonly<Record<Scope, ScopeWords>> = {
  'read:market': {
    title: 'See markets',
    words: 'Instruments, quotes, market depth, past prices and trading hours.',
  },
  'read:account': {
    title: 'See accounts',
    words: 'Balances, positions, orders, trades, profit and loss, and its own mandate.',
  },
  'write:orders': {
    title: 'Trade',
    words: 'Place, change and cancel orders and close positions, with real effect, within the mandate below.',
  },
};

/** The page's words for what a consent would give. */
export function consentWords({ scopes, agent, codeForWriting, digest }: ConsentView): object {
  const writes = scopes.includes('write:orders');
  return {
    scopes: scopes.map((id) => ({ id, ...SCOPE_WORDS[id], writes: id === 'write:orders' })),
    digest,
    offers_writing: writes,
    asks_for_code: writes && codeForWriting,
    agent: agent && agentWords(agent),
    days: CONSENT_DAYS.map((days) => [String(days), days === 1 ? '1 day' : `${days} days`]),
    days_standard: String(CONSENT_DAYS_STANDARD),
  };
}

function agentWords({ name, state, accounts, mandate }: ConsentAgent): object {
  return {
    name,
    state,
    accounts,
    mandate: mandate && {
      standing: mandate.standing,
      expires_at_ms: mandate.expiresAtMs,
      accounts: mandate.accounts,
      live: mandate.accounts.some(({ mode }) => mode === 'live'),
      limits: limitsOf(mandate.document, currencyOf(mandate.accounts)),
      document: mandate.document,
      currency: currencyOf(mandate.accounts),
    },
  };
}

/** '': there are several, and figures stand without one. */
function currencyOf(accounts: readonly ConsentAccount[]): string {
  const [first = '', ...more] = new Set(accounts.map(({ currency }) => currency));
  return more.length === 0 ? first : '';
}

const limitsOf = (document: MandateDocument, currency: string) =>
  LIMIT_FIELDS.map(({ name, label, unit }) => ({
    label,
    value: String(document[name]),
    places: unit === 'money' ? 2 : 0,
    unit: unit === 'money' ? currency : '',
  }));

interface ProblemWords {
  readonly title: string;
  /** What happened and what was not done. */
  readonly what: string;
  readonly next: string;
}
const AGAIN = 'Go back to the app that sent you here and connect from there.';

export const PROBLEMS: Readonly<Record<BrowserProblem | 'foreign_form', ProblemWords>> = {
  bad_request: {
    title: 'This request can not be answered',
    what: 'What the app asked for is not a request that this gateway takes; nothing was granted, and nothing was sent to the app.',
    next: 'Go back to the app and connect again; if it happens again, remove the connector there and add it anew.',
  },
  unknown_client: {
    title: 'This gateway does not know that app',
    what: 'The app named an id that was never registered here, or that was deleted since; nothing was granted.',
    next: 'In the app, remove the connector and add it again: it registers anew then.',
  },
  wrong_redirect: {
    title: 'The answer was to go to another address',
    what: 'The app asked for the answer at an address that it did not register; nothing was granted, and nothing was sent there.',
    next: 'In the app, remove the connector and add it again. If you did not begin this yourself, close this page.',
  },
  not_approved: {
    title: 'This app is not approved',
    what: 'The owner of this gateway has not approved the app; nothing was granted, and it was told nothing.',
    next: 'The owner approves it in the console under Remote MCP; then connect again from the app.',
  },
  expired: {
    title: 'This page is over',
    what: 'It was answered already, has expired, or was opened in another browser; nothing was granted now.',
    next: AGAIN,
  },
  halted: {
    title: 'The gate is down',
    what: 'The kill switch of this gateway was used: nobody is let in, and nothing was granted.',
    next: 'When the owner has resumed, go back to the app and connect from there.',
  },
  too_many: {
    title: 'Too many open requests',
    what: 'More requests for access are open than this gateway keeps; this one was not taken.',
    next: 'Wait a few minutes, then connect again from the app.',
  },
  unavailable: {
    title: 'Not possible at the moment',
    what: 'The gateway could not finish this; look in the console under Remote MCP whether access was given.',
    next: 'Connect again from the app in a minute.',
  },
  foreign_form: {
    title: 'Not from this page',
    what: 'The form did not come from the page that this browser was shown; nothing was granted.',
    next: AGAIN,
  },
};
