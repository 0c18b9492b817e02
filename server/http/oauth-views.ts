/** The pages of an authorization as HTML, with the headers that each needs; they load nothing that the public host does not serve. */
import { randomBytes } from 'node:crypto';
import { fingerprint } from '#oauth/fingerprint.ts';
import type { InteractionPage } from '#oauth/interaction-pages.ts';
import type { ProblemPage, ShowProblem } from '#oauth/parts.ts';
import type { ClientDesk, RemoteClient } from '#oauth/records.ts';
import type { Clock } from '#ports.ts';
import type { Assets } from './assets.ts';
import type { FailedForm } from './console-answers.ts';
import { FORM_TOKEN } from './console-forms.ts';
import { consoleViews, formatFor } from './console-views.ts';
import { consentWords, formTargets, PROBLEMS, targetOf } from './oauth-words.ts';

export interface OauthViewOptions {
  readonly assets: Assets;
  readonly clock: Pick<Clock, 'wallMs'>;
  readonly timezone: string;
  readonly clients: Pick<ClientDesk, 'find'>;
  /** Where the owner approves, when this host serves the console; null: only the gateway's own machine does. */
  readonly consoleUrl: () => string | null;
}

export interface ShownForm {
  readonly token: string;
  /** What was not carried out, to stand above the form again. */
  readonly failed: FailedForm | null;
}

/** What went wrong before there was a page: a problem of the protocol's, or a form that was not ours. */
export type PageProblem = keyof typeof PROBLEMS;

export interface OauthViews {
  interaction(page: InteractionPage, form: ShownForm): ProblemPage;
  problem(
    kind: PageProblem,
    about?: { readonly error?: string; readonly client?: RemoteClient },
  ): ProblemPage;
  /** For the authorization server, which knows the client's id alone. */
  readonly show: ShowProblem;
}

const VIEW_OF = {
  waiting: 'waiting.html',
  sign_in: 'sign-in.html',
  consent: 'consent.html',
} as const satisfies Readonly<Record<InteractionPage['kind'], string>>;

/** The files that these pages load, all of them. */
export const OAUTH_ASSETS: ReadonlySet<string> = new Set([
  'console.css',
  'oauth.css',
  'oauth.js',
  'passphrase.js',
  'icon.svg',
]);

export function openOauthViews(o: OauthViewOptions): OauthViews {
  const templates = consoleViews('oauth');

  function rendered(view: string, context: object, formsTo: readonly string[]): ProblemPage {
    const nonce = randomBytes(16).toString('base64');
    const html = templates.render(view, {
      nonce,
      asset: (name: string): string => `/oauth/static/${o.assets.versioned(name)}`,
      fmt: formatFor({ timezone: o.timezone, nowMs: o.clock.wallMs() }),
      token_name: FORM_TOKEN,
      form_token: '',
      form: null,
      console_url: o.consoleUrl(),
      ...context,
    });
    return { html, headers: pageHeaders(nonce, formsTo) };
  }

  const problem: OauthViews['problem'] = (kind, about = {}) =>
    rendered(
      'problem.html',
      {
        page: {
          ...PROBLEMS[kind],
          error: about.error ?? null,
          client: about.client?.metadata.client_name ?? null,
        },
      },
      [],
    );
  return {
    interaction: (page, form) =>
      rendered(
        VIEW_OF[page.kind],
        { form_token: form.token, form: form.failed, page: viewOf(page) },
        formTargets([page.redirectUri, ...page.client.metadata.redirect_uris]),
      ),
    problem,
    show({ kind, error, clientId }) {
      const client = clientId === undefined ? undefined : o.clients.find(clientId);
      return problem(kind, { error, ...(client && { client }) });
    },
  };
}

function viewOf(page: InteractionPage): object {
  const { client, uid } = page;
  const path = `/oauth/interaction/${encodeURIComponent(uid)}`;
  const shared = {
    path,
    name: client.metadata.client_name,
    kind: client.kind,
    client_id: client.clientId,
    fingerprint: fingerprint(client.clientId),
    target: targetOf(page.redirectUri),
    expires_at_ms: page.expiresAtMs,
    labels: { expires: 'Access ends after' },
  };
  switch (page.kind) {
    case 'waiting':
      return { ...shared, revoked: client.state === 'revoked' };
    case 'sign_in':
      return { ...shared, claimed: page.claimed, asks_for_code: page.asksForCode };
    case 'consent':
      return { ...shared, ...consentWords(page.consent) };
  }
}

/**
 * Nothing from elsewhere, no frame around it. The answer to a form leads on to the client, and a browser follows such a redirect
 * only to where the page's forms may go. No Cross-Origin-Opener-Policy: clients open these pages in a window and wait for it.
 */
function pageHeaders(nonce: string, formsTo: readonly string[]): Readonly<Record<string, string>> {
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "img-src 'self'",
    "connect-src 'self'",
    `form-action ${["'self'", ...formsTo].join(' ')}`,
    "base-uri 'none'",
    "object-src 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ];
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy.join('; '),
    ...EVERY_ANSWER,
  };
}

/** On what is no page too: a POST then names its origin, and no address of ours leaves with a redirect. */
export const EVERY_ANSWER = {
  'cache-control': 'no-store',
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-robots-tag': 'noindex',
} as const;
