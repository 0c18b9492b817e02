/** One request to the console: who asks, and what their browser keeps. */
import { randomBytes } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Session, Visitor } from '#access/owner.ts';
import type { GuestVisit, Notice, OwnerVisit } from '#console/define.ts';
import type { ConsoleServices } from '#console/desks.ts';
import { printable } from '#domain/refusal.ts';
import { CONSOLE_NOTICES_MAX, DEVICE_TTL_MS, LOG_TEXT_LENGTH_MAX, USER_AGENT_LENGTH_MAX } from '#limits.ts';
import type { Assets } from './assets.ts';
import { type Answers, answersFor } from './console-answers.ts';
import { type CookieJar, cookieJar } from './console-cookies.ts';
import { formToken } from './console-forms.ts';
import { consoleViews } from './console-views.ts';
import { pathOf } from './request-head.ts';

/** What a browser asks for by itself, as long as a page is open: it does not keep a session alive. */
export const EVENTS_PATH = '/admin/events';
const LIVE_HEADER = 'x-portcullis-live';
const isLook = (request: FastifyRequest): boolean =>
  request.headers[LIVE_HEADER] !== undefined || pathOf(request) === EVENTS_PATH;

export interface Asker {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly services: ConsoleServices;
  readonly jar: CookieJar;
  /** The session's; undefined: not signed in. */
  readonly token: string | undefined;
  readonly session: Session | undefined;
  readonly anyVisit: Omit<OwnerVisit, 'owner' | 'session'>;
  guestVisit(): GuestVisit;
  /** So that the forms of an entrance can be told from others'. */
  rememberVisit(): void;
  /** What the forms of a page carry: the owner's, or those of an entrance. */
  formToken(of: 'session' | 'visit'): string;
  signIn(given: { readonly token: string; readonly deviceToken?: string; readonly notice?: string }): void;
  /** Shown on the owner's next page, once. */
  notify(notice: Notice): void;
  takeNotice(): Notice | null;
}

export type ConsoleRequest = Asker & Answers;

export function openConsoleRequests(services: ConsoleServices, assets: Assets) {
  const frame = { views: consoleViews(), assets };
  const notices = openNotices();
  const asked = new WeakMap<FastifyRequest, ConsoleRequest>();
  return {
    of(request: FastifyRequest, reply: FastifyReply): ConsoleRequest {
      const known = asked.get(request);
      if (known !== undefined) return known;
      const asker = whoAsks({ services, notices, request, reply });
      const fresh = { ...asker, ...answersFor(frame, asker) };
      asked.set(request, fresh);
      return fresh;
    },
  };
}

interface Asking {
  readonly services: ConsoleServices;
  readonly notices: Notices;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

function whoAsks({ services, notices, request, reply }: Asking): Asker {
  const { owner } = services.access;
  const jar = cookieJar(request, reply);
  const visitor = visitorOf(request, jar.get('device'));
  const given = jar.get('session');
  const session = given === undefined ? undefined : sessionOf(services, request, given, visitor);
  const anyVisit = {
    services,
    visitor,
    origin: `${request.protocol}://${request.headers.host ?? ''}`,
    params: request.params as Readonly<Record<string, string>>,
    query: lastOfEach(request.query),
  };
  // A sign-in answers with a redirect: what is to be said then is for the new session.
  let noticeKey = session?.id;
  let visitToken = jar.get('visit');
  return {
    request,
    reply,
    services,
    jar,
    token: session && given,
    session,
    anyVisit,
    guestVisit: () => ({ ...anyVisit, ticket: jar.get('ticket'), signedIn: session !== undefined }),
    rememberVisit() {
      if (visitToken !== undefined) return;
      visitToken = randomBytes(16).toString('base64url');
      jar.set('visit', visitToken);
    },
    formToken: (of) => formToken((of === 'session' ? session && given : visitToken) ?? ''),
    signIn({ token, deviceToken, notice }) {
      jar.set('session', token);
      jar.clear('ticket');
      jar.clear('visit');
      if (deviceToken !== undefined) jar.set('device', deviceToken, services.clock.wallMs() + DEVICE_TTL_MS);
      noticeKey = owner.peek(token)?.id;
      if (notice !== undefined) notices.leave(noticeKey, notice);
    },
    notify: (notice) => notices.leave(noticeKey, notice),
    // A look for changes shows none: it would be gone before the page that it was left for.
    takeNotice: () => (isLook(request) ? null : notices.take(session?.id)),
  };
}

export function visitorOf(request: FastifyRequest, device: string | undefined): Visitor {
  return {
    address: request.ip,
    userAgent: printable(request.headers['user-agent'] ?? '').slice(0, USER_AGENT_LENGTH_MAX),
    ...(device === undefined ? {} : { device }),
  };
}

const sessionOf = (
  { access: { owner } }: ConsoleServices,
  request: FastifyRequest,
  token: string,
  from: Visitor,
): Session | undefined => (isLook(request) ? owner.peek(token) : owner.session(token, from));

interface Notices {
  leave(sessionId: string | undefined, notice: Notice): void;
  take(sessionId: string | undefined): Notice | null;
}

/** What was done is said on the page after it; in memory, for it is worth nothing later. */
function openNotices(): Notices {
  const waiting = new Map<string, Notice>();
  return {
    leave(sessionId, notice) {
      if (sessionId === undefined) return;
      if (waiting.size >= CONSOLE_NOTICES_MAX) waiting.clear();
      waiting.set(sessionId, notice);
    },
    take(sessionId) {
      const notice = sessionId === undefined ? undefined : waiting.get(sessionId);
      if (sessionId !== undefined) waiting.delete(sessionId);
      return notice ?? null;
    },
  };
}

function lastOfEach(query: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(query as Record<string, string | string[]>);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, ([value].flat().at(-1) ?? '').slice(0, LOG_TEXT_LENGTH_MAX)]),
  );
}
