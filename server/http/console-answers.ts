/** Every way a request to the console may be answered with a page. */
import type { FastifyReply } from 'fastify';
import type { Entrance, Page, PageData } from '#console/define.ts';
import type { ConsoleServices, Preferences } from '#console/desks.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import type { Result } from '#domain/result.ts';
import { isStoreFault } from '#tools/dispatch.ts';
import type { Assets } from './assets.ts';
import { chromeFor } from './console-chrome.ts';
import { FORM_CODE, FORM_TOKEN, formValues } from './console-forms.ts';
import type { Asker } from './console-request.ts';
import { type ConsoleViews, formatFor } from './console-views.ts';
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
export interface Problem {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
}

export interface Answers {
  page(page: Page | Entrance, data: Result<PageData, Refusal>, extras?: Extras): FastifyReply;
  /** The same form again, with a field for the code. */
  askForProof(
    page: Page,
    asked: { readonly what: string | undefined; readonly refusal?: Refusal },
  ): FastifyReply;
  problem(problem: Problem): FastifyReply;
  fault(error: unknown): FastifyReply;
}

/** What every page is made with. */
export interface Frame {
  readonly views: ConsoleViews;
  readonly assets: Assets;
}

export function answersFor({ views, assets }: Frame, asker: Asker): Answers {
  const { request, reply, services } = asker;
  // Before anything is read for a page: what changes from here on, its stream tells when it begins.
  const since = headOf(services);
  const send = (status: number, view: string, context: object): FastifyReply =>
    reply.code(status).type('text/html; charset=utf-8').send(views.render(view, context));
  const around = (around: Around): object => contextOf(asker, assets, around);

  function problem({ status, title, detail }: Problem): FastifyReply {
    const page = { title, page: { status, detail } };
    try {
      return send(status, 'problem.html', { ...around({ chrome: asker.session !== undefined }), ...page });
    } catch (cause) {
      // Not even the owner's preferences can be read: the page says so all the same.
      request.log.error({ err: cause, reqId: request.id }, 'the frame of a page failed');
      return send(status, 'problem.html', { ...around({ chrome: false, plain: true }), ...page });
    }
  }
  return {
    page(page, data, extras = {}) {
      if (!data.ok) return problem(data.error);
      const isPage = 'nav' in page;
      return send(extras.form?.refusal.status ?? 200, page.view, {
        // An entrance stands alone, and its forms are told by its own cookie, whoever is signed in beside it.
        ...around({ chrome: isPage }),
        title: page.title,
        // What a form left on the page is looked at once: a look for changes would take it away.
        live: isPage && extras.form === undefined && extras.shown === undefined ? page.live : [],
        since,
        scripts: page.scripts,
        page: data.value,
        notice: isPage ? asker.takeNotice() : null,
        ...extras,
      });
    },
    askForProof(page, { what, refusal }) {
      const fields = Object.entries(formValues(request)).flatMap(([name, value]) =>
        [value].flat().map((one) => ({ name, value: one })),
      );
      const back = `/admin${page.path}`.replaceAll(
        /:(\w+)/g,
        (_, name: string) => asker.anyVisit.params[name] ?? '',
      );
      return send(refusal?.status ?? 403, 'proof.html', {
        ...around({ chrome: true }),
        title: page.title,
        page: { fields, what: what ?? null, totp: services.access.owner.record()?.totp === true, back },
        form: refusal === undefined ? null : { action: '', values: {}, refusal },
      });
    },
    problem,
    fault(error) {
      const known = knownFault(error);
      if (known.status >= 500) request.log.error({ err: error, reqId: request.id }, 'request failed');
      return problem(known);
    },
  };
}

/** The last line of the record; 0, which is none, while it can not be read. */
function headOf({ audit }: ConsoleServices): number {
  try {
    return audit.head().seq;
  } catch {
    return 0;
  }
}

interface Around {
  /** Whether the owner's frame stands around it. */
  readonly chrome: boolean;
  /** Without anything that is read from the store. */
  readonly plain?: boolean;
}

const plainPreferences = ({ timezone }: ConsoleServices): Preferences => ({
  timezone,
  theme: 'system',
  colours: 'green_red',
});

function contextOf(asker: Asker, assets: Assets, { chrome, plain = false }: Around): object {
  const { request, reply, services, anyVisit } = asker;
  const preferences = plain ? plainPreferences(services) : services.preferences.read();
  const fmt = formatFor({ timezone: preferences.timezone, nowMs: services.clock.wallMs() });
  const path = pathOf(request);
  return {
    path,
    url: request.url,
    origin: anyVisit.origin,
    query: anyVisit.query,
    nonce: reply.cspNonce,
    asset: (name: string): string => `/admin/static/${assets.versioned(name)}`,
    token_name: FORM_TOKEN,
    code_name: FORM_CODE,
    form_token: asker.formToken(chrome ? 'session' : 'visit'),
    fmt,
    version: services.version,
    theme: preferences.theme,
    colours: preferences.colours,
    chrome: chrome ? chromeFor(services, path) : null,
    live: [],
    since: 0,
    scripts: [],
    notice: null,
    form: null,
    shown: null,
    page: null,
  };
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
