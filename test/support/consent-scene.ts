/** A remote client on its way to a grant: at the page that asks for sign-in or consent, and what anybody could send there. */
import { expect } from 'vitest';
import { OWNER_CLI, SCOPES, type Scope } from '#domain/principal.ts';
import type { RemoteGrant } from '#oauth/records.ts';
import type { OwnerBrowser, Page } from './owner-browserless.ts';
import { type Asked, authorization, CALLBACK, deskOf } from './remote-flow.ts';
import type { RemoteGateway } from './remote-gateway.ts';

export interface Scene {
  readonly clientId: string;
  readonly asked: Asked;
  readonly browser: OwnerBrowser;
  readonly page: Page;
}

export interface SceneOptions {
  /** Default: a new one, approved. */
  readonly clientId?: string;
  /** The client's ceiling. */
  readonly scopes?: readonly Scope[];
  /** What it asks for; default: all there is. */
  readonly scope?: string;
  readonly browser?: OwnerBrowser;
  readonly agent?: string;
}

let clients = 0;
/** Made by the owner, so that nobody's registrations are counted. */
export function approvedClient(
  at: RemoteGateway,
  { scopes = SCOPES, agent }: Pick<SceneOptions, 'scopes' | 'agent'> = {},
): string {
  const made = deskOf(at).createStatic({
    name: `Client ${++clients}`,
    redirectUris: [CALLBACK],
    agent: agent ?? `agent-${clients}`,
    scopes,
    confidential: false,
    by: OWNER_CLI,
  });
  if (!made.ok) throw new Error(made.error.detail);
  return made.value.client.clientId;
}

/** Where the browser stands after it has followed the host's link. */
export async function atSignIn(at: RemoteGateway, o: SceneOptions = {}): Promise<Scene> {
  const clientId = o.clientId ?? approvedClient(at, o);
  const asked = authorization(at, { clientId, scope: o.scope ?? SCOPES.join(' ') });
  const browser = o.browser ?? at.browser();
  return { clientId, asked, browser, page: await browser.open(asked.url) };
}

export const signInFields = (at: RemoteGateway) => ({
  name: at.owner.name,
  passphrase: at.owner.passphrase,
});

export async function atConsent(at: RemoteGateway, o: SceneOptions = {}): Promise<Scene> {
  const scene = await atSignIn(at, o);
  const { browser, page } = scene;
  const next = await browser.send(page, browser.form(page, '/sign-in'), signInFields(at));
  if (!next.forms.some(({ action }) => action.endsWith('/consent')))
    throw new Error(`not at consent: ${next.status} ${next.words.slice(0, 400)}`);
  return { ...scene, page: next };
}

export interface Posted {
  readonly status: number;
  readonly location: string | null;
  readonly headers: Headers;
  readonly html: string;
}

/** What a consent says it was shown. */
const shownOf = ({ html }: Pick<Page, 'html'>, act: string): Fields => {
  const shown = /name="shown" value="([^"]+)"/.exec(html)?.[1];
  return act !== 'consent' ? {} : { shown: shown ?? 'nothing' };
};

type Fields = Readonly<Record<string, string | readonly string[]>>;

/** The hidden token of a page. */
export const tokenOf = ({ html }: Pick<Page, 'html'>): string =>
  /name="_token" value="([^"]+)"/.exec(html)?.[1] ?? '';

/** A form as somebody else might send it, redirects not followed: each header and field can be another, or not there ('' leaves it out). */
export async function post(
  at: RemoteGateway,
  { page, browser }: Pick<Scene, 'page' | 'browser'>,
  act: string,
  fields: Fields = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Posted> {
  const { origin, pathname } = new URL(page.url);
  const url = `${origin}${/^\/oauth\/interaction\/[^/]+/.exec(pathname)?.[0] ?? pathname}/${act}`;
  const body = new URLSearchParams();
  for (const [name, value] of Object.entries({ _token: tokenOf(page), ...shownOf(page, act), ...fields }))
    for (const one of [value].flat()) if (one !== '' || name !== '_token') body.append(name, one);
  const sent = {
    'content-type': 'application/x-www-form-urlencoded',
    origin,
    'sec-fetch-site': 'same-origin',
    cookie: browser.cookies(url),
    ...headers,
  };
  const answer = await at.fetch(url, {
    method: 'POST',
    redirect: 'manual',
    body: body.toString(),
    headers: Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== '')),
  });
  return {
    status: answer.status,
    location: answer.headers.get('location'),
    headers: answer.headers,
    html: await answer.text(),
  };
}

/** The grants of a client that live. */
export const grantsOf = (at: RemoteGateway, clientId: string): readonly RemoteGrant[] =>
  deskOf(at).grants({ clientId, live: true, limit: 100 });

/** Events of the record, the latest first. */
export const recorded = (at: RemoteGateway, kind: string) => {
  at.gateway.audit.flush();
  return at.gateway.console.audit.tail(200, { kind }).toSorted((one, other) => other.seq - one.seq);
};

/** Refused, and the page is still good for an honest answer. */
export async function refusedAndStillOpen(
  at: RemoteGateway,
  scene: Scene,
  answer: Posted,
  status: number,
): Promise<void> {
  expect([answer.status, answer.location]).toEqual([status, null]);
  expect(grantsOf(at, scene.clientId)).toEqual([]);
  const honest = await post(at, scene, 'consent', { scopes: ['read:market'], expires: '30' });
  expect([honest.status, honest.location]).toEqual([303, expect.stringContaining('/oauth/authorize/')]);
}
