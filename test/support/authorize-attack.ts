/** The authorization endpoint under attack: a gateway on a public host, requests as nobody honest writes them, and the two ways to be refused. */
import { expect } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import type { Clock } from '#ports.ts';
import { type RawAnswer, send } from './raw-http.ts';
import { type Answer, type Asked, ask, deskOf } from './remote-flow.ts';
import { openRemoteGateway, type RemoteGateway } from './remote-gateway.ts';

export const PUBLIC_HOST = 'gate.example.test';

/** To be closed; each test should `comeFromElsewhere` first, because open requests are counted by network. */
export const openAttacked = (
  settings: Readonly<Record<string, string>> = {},
  clock?: Clock,
): Promise<RemoteGateway> =>
  openRemoteGateway({ host: PUBLIC_HOST, settings, ...(clock === undefined ? {} : { clock }) });

let visitors = 0;
export const comeFromElsewhere = (at: RemoteGateway): void =>
  at.front?.comesFrom(`198.51.${++visitors >> 8}.${visitors & 255}`);

/** What the authorization server keeps: codes, tokens, open requests. */
export const rows = (at: RemoteGateway): number =>
  Number(at.gateway.store.db.prepare('SELECT count(*) FROM oauth_payloads').pluck().get());
export const forgetAll = ({ gateway: { store } }: RemoteGateway): void =>
  store.transaction(() => void store.db.exec('DELETE FROM oauth_payloads'));

/** An approved client with exactly these addresses. */
export function madeFor(at: RemoteGateway, ...redirectUris: readonly string[]): string {
  const made = deskOf(at).createStatic({
    name: 'Program',
    redirectUris,
    agent: 'program',
    scopes: ['read:market'],
    confidential: false,
    by: OWNER_CLI,
  });
  if (!made.ok) throw new Error(made.error.detail);
  return made.value.client.clientId;
}

/** On the gateway's own port, past the proxy: with a head that no honest one would send on. */
export const raw = (
  at: RemoteGateway,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
): Promise<RawAnswer> =>
  send({
    port: Number(at.gateway.url()?.split(':').at(-1)),
    path,
    method,
    headers: {
      host: PUBLIC_HOST,
      'x-forwarded-for': '203.0.113.9',
      'x-forwarded-proto': 'https',
      ...headers,
    },
    ...(method === 'POST' ? { body: 'grant_type=client_credentials' } : {}),
  });

/** The query as it is written here, whatever a builder of queries would not write. */
export const visit = (at: RemoteGateway, query: string): Promise<Answer> =>
  ask(at, `/oauth/authorize?${query}`);
export const queryOf = ({ url }: Asked): string => new URL(url).search.slice(1);

/** A page of one sentence, no way to any client, nothing kept. */
export function expectPage(at: RemoteGateway, answer: Answer, status: number, error: string): void {
  expect([answer.status, answer.headers.get('location')]).toEqual([status, null]);
  expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.text).toContain(error);
  expect(answer.text).not.toContain('/oauth/interaction/');
  expect(answer.headers.getSetCookie().filter((cookie) => cookie.includes('_page'))).toEqual([]);
  expect(rows(at)).toBe(0);
}

/** RFC 6749, 4.1.2.1: told to the approved client at its own address, with state and iss (RFC 9207), and without a code. */
export function expectTold(at: RemoteGateway, answer: Answer, asked: Asked, error: string): string {
  expect(answer.status).toBe(303);
  const to = new URL(answer.headers.get('location') ?? '');
  expect([to.origin + to.pathname, to.hash]).toEqual([asked.redirectUri, '']);
  const told = Object.fromEntries(to.searchParams);
  expect(told).toMatchObject({ error, state: asked.state, iss: at.issuer });
  expect(told).not.toHaveProperty('code');
  expect(rows(at)).toBe(0);
  return told['error_description'] ?? '';
}
