/** One request to the console: who asks, and every way it may be answered. */
import { randomBytes } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Session, Visitor } from '#access/owner.ts';
import type { Entrance, GuestVisit, OwnerVisit, Page, PageData } from '#console/define.ts';
import type { ConsoleServices } from '#console/services.ts';
import { printable, type Refusal, refuse } from '#domain/refusal.ts';
import type { Result } from '#domain/result.ts';
import { CONSOLE_NOTICES_MAX, LOG_TEXT_LENGTH_MAX } from '#limits.ts';
import { isStoreFault } from '#tools/dispatch.ts';
import type { Assets } from './assets.ts';
import { chromeFor } from './console-chrome.ts';
import { type CookieJar, cookieJar } from './console-cookies.ts';
import { FORM_CODE, FORM_TOKEN, formToken, formValues } from './console-forms.ts';
import { consoleViews, formatFor } from './console-views.ts';
import { pathOf } from './request-head.ts';

/** What the template finds under `form` when something was not done. */
export interface FailedForm {
  readonly action: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly refusal: Refusal;
}

interface Extras {
  readonly shown?: PageData;
  readonly form?: FailedForm;
}
interface Problem {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
}

export interface ConsoleRequest {
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
  signIn(given: { readonly token: string; readonly deviceToken?: string; readonly notice?: string }): void;
  /** Shown on the owner's next page, once. */
  notify(notice: string): void;
  page(page: Page | Entrance, data: Result<PageData, Refusal>, extras?: Extras): FastifyReply;
  /** The same form again, with a field for the code. */
  askForProof(page: Page, refusal?: Refusal): FastifyReply;
  problem(problem: Problem): FastifyReply;
  fault(error: unknown): FastifyReply;
}

/** Looks of a page that nobody asked for by hand: they do not keep a session alive. */
export const LIVE_HEADER = 'x-portcullis-live';

export function openConsoleRequests(services: ConsoleServices, assets: Assets) {
  const views = consoleViews();
  const asset = (name: string): string => `/admin/static/${assets.versioned(name)}`;
  const notices = new Map<string, string>();
  const asked = new WeakMap<FastifyRequest, ConsoleRequest>();

  function open(request: FastifyRequest, reply: FastifyReply): ConsoleRequest {
    const jar = cookieJar(request, reply);
    const device = jar.get('device');
    const visitor: Visitor = {
      address: request.ip,
      userAgent: printable(request.headers['user-agent'] ?? '').slice(0, 200),
      ...(device === undefined ? {} : { device }),
    };
    const given = jar.get('session');
    const session = given === undefined ? undefined : services.access.owner.session(given, visitor);
    const origin = `${request.protocol}://${request.headers.host ?? ''}`;
    const anyVisit = {
      services,
      visitor,
      origin,
      params: request.params as Readonly<Record<string, string>>,
      query: lastOfEach(request.query),
    };
    let noticeKey = session?.id;
    let visitToken = jar.get('visit');

    const context = (extra: object): object => ({
      path: pathOf(request),
      url: request.url,
      origin,
      query: anyVisit.query,
      nonce: reply.cspNonce,
      asset,
      token_name: FORM_TOKEN,
      code_name: FORM_CODE,
      form_token: formToken((session === undefined ? visitToken : given) ?? ''),
      fmt: formatFor({ timezone: services.timezone, nowMs: services.clock.wallMs() }),
      version: services.version,
      chrome: session === undefined ? null : chromeFor(services, pathOf(request)),
      form: null,
      shown: null,
      page: null,
      ...extra,
    });
    const send = (status: number, view: string, extra: object): FastifyReply =>
      reply
        .code(status)
        .type('text/html; charset=utf-8')
        .send(views.render(view, context(extra)));
    const alone = () => ({ chrome: null, form_token: formToken(visitToken ?? '') });
    const takeNotice = (): string | null => {
      const notice = session && notices.get(session.id);
      if (session) notices.delete(session.id);
      return notice ?? null;
    };

    const self: ConsoleRequest = {
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
      signIn({ token, deviceToken, notice }) {
        jar.set('session', token);
        jar.clear('ticket');
        jar.clear('visit');
        if (deviceToken !== undefined)
          jar.set('device', deviceToken, services.clock.wallMs() + 30 * 86_400_000);
        noticeKey = services.access.owner.session(token, visitor)?.id;
        if (notice !== undefined) self.notify(notice);
      },
      notify(notice) {
        if (noticeKey === undefined) return;
        if (notices.size >= CONSOLE_NOTICES_MAX) notices.clear();
        notices.set(noticeKey, notice);
      },
      page(page, data, extras = {}) {
        if (!data.ok) return self.problem(data.error);
        const isPage = 'nav' in page;
        return send(extras.form?.refusal.status ?? 200, page.view, {
          title: page.title,
          live: isPage ? page.live : [],
          scripts: page.scripts,
          page: data.value,
          // An entrance stands alone, and its forms are told by its own cookie, whoever is signed in beside it.
          ...(isPage ? { notice: takeNotice() } : { notice: null, ...alone() }),
          ...extras,
        });
      },
      askForProof(page, refusal) {
        const fields = Object.entries(formValues(request)).flatMap(([name, value]) =>
          [value].flat().map((one) => ({ name, value: one })),
        );
        const totp = services.access.owner.record()?.totp === true;
        return send(refusal?.status ?? 403, 'proof.html', {
          ...BARE,
          title: page.title,
          page: {
            fields,
            totp,
            back: `/admin${page.path}`.replaceAll(
              /:(\w+)/g,
              (_, name: string) => anyVisit.params[name] ?? '',
            ),
          },
          form: refusal === undefined ? null : { action: '', values: {}, refusal },
        });
      },
      problem({ status, title, detail }) {
        return send(status, 'problem.html', { ...BARE, title, page: { status, detail } });
      },
      fault(error) {
        const known = knownFault(error);
        if (known.status >= 500) request.log.error({ err: error, reqId: request.id }, 'request failed');
        return self.problem(known);
      },
    };
    return self;
  }

  return {
    of(request: FastifyRequest, reply: FastifyReply): ConsoleRequest {
      const known = asked.get(request) ?? open(request, reply);
      asked.set(request, known);
      return known;
    },
  };
}

const BARE = { live: [], scripts: [], notice: null };

function lastOfEach(query: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(query as Record<string, string | string[]>);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, ([value].flat().at(-1) ?? '').slice(0, LOG_TEXT_LENGTH_MAX)]),
  );
}

function knownFault(error: unknown): Problem {
  const status: unknown = error instanceof Error ? Reflect.get(error, 'statusCode') : undefined;
  if (typeof status === 'number' && status >= 400 && status < 500)
    return {
      status,
      title: 'Could not be read',
      detail: 'What was sent could not be read as a form of this console; nothing was changed.',
    };
  return isStoreFault(error)
    ? refuse(
        'store_unavailable',
        'The gateway can not read or write its records at the moment. Canceling orders and the kill switch work all the same.',
      )
    : refuse(
        'internal',
        'Something went wrong inside the gateway; the log says what. Look whether what you asked for took effect before you repeat it.',
      );
}
