/** The owner's browser without a window: it keeps cookies by their path, follows redirects, reads forms and sends them as they stand. */
import { wordsOf } from './console-client.ts';
import { plainFetch } from './plain-fetch.ts';

export interface Field {
  readonly name: string;
  readonly value: string;
  /** `hidden`, `text`, `checkbox`, `select`, `submit` … */
  readonly type: string;
  /** What a browser would send without anybody touching it. */
  readonly sent: boolean;
}

export interface Form {
  /** Absolute. */
  readonly action: string;
  readonly method: 'GET' | 'POST';
  readonly fields: readonly Field[];
}

export interface Page {
  /** Where it was found, after redirects. */
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly html: string;
  /** Without tags, white space as one space. */
  readonly words: string;
  readonly forms: readonly Form[];
  /** The address at which the browser left the gateway, not visited: the client's redirect. */
  readonly left: URL | undefined;
}

export interface Choices {
  /** Exactly these are ticked; absent: as the page comes. */
  readonly scopes?: readonly string[];
  /** Of the authenticator, with the consent. */
  readonly code?: string;
  /** Of the authenticator, at sign-in. */
  readonly signInCode?: string;
  readonly passphrase?: string;
  readonly expiryDays?: string;
  readonly deny?: boolean;
}

export type Values = Readonly<Record<string, string | readonly string[]>>;

export interface OwnerBrowser {
  /** As a browser would send them to `url` now. */
  cookies(url: string): string;
  open(url: string | URL): Promise<Page>;
  /** The form whose action ends so; throws, with what the page says, when there is none. */
  form(page: Page, ending: string): Form;
  /**
   * Sends a form of a page as it stands, with what somebody typed or ticked; throws when the form has no such field. `forged` is
   * what nobody could have typed.
   */
  send(page: Page, form: Form, typed?: Values, forged?: Values): Promise<Page>;
  /** From an authorization address through sign-in and consent to wherever it ends: a page, or `left`. */
  walk(start: string | URL | Page, choices?: Choices): Promise<Page>;
  /** The same, and it must have left to the client. */
  grant(start: string | URL | Page, choices?: Choices): Promise<URL>;
}

/** A browser that follows more redirects in a row than this has been sent in a circle. */
const REDIRECTS_MAX = 10;
/** sign in, consent, and what refuses one of them once. */
const PAGES_MAX = 4;

interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly host: string;
  readonly path: string;
  readonly secure: boolean;
}

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export function ownerBrowser(
  owner: { readonly name: string; readonly passphrase: string },
  send: Fetch = plainFetch,
): OwnerBrowser {
  const jar = new Map<string, Cookie>();

  function cookies(url: string): string {
    const { hostname, pathname, protocol } = new URL(url);
    const under = ({ path }: Cookie): boolean =>
      pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`);
    return [...jar.values()]
      .filter((cookie) => cookie.host === hostname && under(cookie))
      .filter(({ secure }) => !secure || protocol === 'https:')
      .toSorted((one, other) => other.path.length - one.path.length)
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
  }

  async function visit(first: string, init: RequestInit, site: string): Promise<Page> {
    const { origin } = new URL(first);
    let url = first;
    let request = init;
    for (let hops = 0; hops < REDIRECTS_MAX; hops++) {
      const cookie = cookies(url);
      const answer = await send(url, {
        ...request,
        redirect: 'manual',
        headers: {
          accept: 'text/html,application/xhtml+xml',
          'sec-fetch-site': site,
          'sec-fetch-mode': 'navigate',
          'sec-fetch-dest': 'document',
          ...(request.headers as Record<string, string> | undefined),
          ...(cookie === '' ? {} : { cookie }),
        },
      });
      for (const line of answer.headers.getSetCookie()) keep(jar, line, url);
      const html = await answer.text();
      const to = answer.headers.get('location');
      const page = {
        url,
        status: answer.status,
        headers: answer.headers,
        html,
        words: wordsOf(html),
        forms: formsOf(html, url),
      };
      if (to === null || answer.status < 300 || answer.status > 399) return { ...page, left: undefined };
      const next = new URL(to, url);
      if (next.origin !== origin) return { ...page, left: next };
      url = next.href;
      // As browsers do after 302 and 303.
      request = {};
    }
    throw new Error(`redirected in a circle: ${url}`);
  }

  const self: OwnerBrowser = {
    cookies,
    open: (url) => visit(String(url), {}, 'cross-site'),
    form(page, ending) {
      const found = page.forms.find(({ action }) => new URL(action).pathname.endsWith(ending));
      if (found === undefined)
        throw new Error(`no form ${ending} at ${page.url}: ${page.status} ${page.words.slice(0, 500)}`);
      return found;
    },
    send(page, form, typed = {}, forged = {}) {
      const body = new URLSearchParams(filled(form, typed));
      for (const [name, value] of pairs(forged)) body.append(name, value);
      if (form.method === 'GET') return visit(`${form.action}?${body.toString()}`, {}, 'same-origin');
      const headers = {
        'content-type': 'application/x-www-form-urlencoded',
        origin: new URL(page.url).origin,
        referer: page.url,
      };
      return visit(form.action, { method: 'POST', body: body.toString(), headers }, 'same-origin');
    },
    async walk(start, choices = {}) {
      let page = typeof start === 'string' || start instanceof URL ? await self.open(start) : start;
      for (let pages = 0; pages < PAGES_MAX && page.left === undefined; pages++) {
        const has = (ending: string): boolean => page.forms.some(({ action }) => action.endsWith(ending));
        if (has('/sign-in')) page = await self.send(page, self.form(page, '/sign-in'), signIn(choices));
        else if (has('/consent') && choices.deny === true)
          page = await self.send(page, self.form(page, '/deny'));
        else if (has('/consent')) page = await self.send(page, self.form(page, '/consent'), consent(choices));
        else return page;
        // What was refused once is refused again.
        if (page.status >= 400) return page;
      }
      return page;
    },
    async grant(start, choices) {
      const { left, url, status, words } = await self.walk(start, choices);
      if (left === undefined) throw new Error(`ended at ${url}: ${status} ${words.slice(0, 800)}`);
      return left;
    },
  };

  function signIn({ passphrase, signInCode }: Choices): Values {
    return {
      name: owner.name,
      passphrase: passphrase ?? owner.passphrase,
      ...(signInCode === undefined ? {} : { code: signInCode }),
    };
  }
  return self;
}

const consent = ({ scopes, code, expiryDays }: Choices): Values => ({
  ...(scopes === undefined ? {} : { scopes }),
  ...(code === undefined ? {} : { code }),
  ...(expiryDays === undefined ? {} : { expires: expiryDays }),
});

const pairs = (values: Values): [string, string][] =>
  Object.entries(values).flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => [name, one]),
  );

/** The fields that a browser would send, those of `typed` in the place of what stood there. */
function filled({ fields, action }: Form, typed: Values): [string, string][] {
  for (const [name, value] of pairs(typed)) {
    const there = fields.filter((field) => field.name === name);
    const choice = there.some(({ type }) => type === 'checkbox' || type === 'radio' || type === 'select');
    if (there.length === 0 || (choice && !there.some((field) => field.value === value)))
      throw new Error(
        `the form ${action} has no field ${name} that can be ${choice ? value : 'filled'}: ${fields.map((field) => field.name).join(' ')}`,
      );
  }
  const untouched = fields.filter(({ name, sent }) => sent && !(name in typed));
  return [...untouched.map(({ name, value }): [string, string] => [name, value]), ...pairs(typed)];
}

function keep(jar: Map<string, Cookie>, line: string, url: string): void {
  const { hostname, pathname } = new URL(url);
  const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
  const at = pair.indexOf('=');
  const name = pair.slice(0, at);
  const value = pair.slice(at + 1);
  const attribute = (wanted: string): string | undefined => {
    const found = attributes.find((one) => one.toLowerCase().split('=')[0] === wanted);
    return found === undefined ? undefined : found.slice(found.indexOf('=') + 1);
  };
  // RFC 6265, section 5.1.4.
  const path = attribute('path') ?? (pathname.slice(0, pathname.lastIndexOf('/')) || '/');
  const key = `${name};${hostname};${path}`;
  const expires = attribute('expires');
  const ended = attribute('max-age') === '0' || (expires !== undefined && Date.parse(expires) <= Date.now());
  if (ended) jar.delete(key);
  else jar.set(key, { name, value, host: hostname, path, secure: attribute('secure') !== undefined });
}

const FORM = /<form\b([^>]*)>([^]*?)<\/form>/g;
const CONTROL = /<(input|button)\b([^>]*)>|<select\b([^>]*)>([^]*?)<\/select>/g;

function formsOf(html: string, url: string): readonly Form[] {
  return [...html.matchAll(FORM)].map(([, attributes = '', inner = '']) => ({
    action: new URL(read(attributes, 'action') ?? '', url).href,
    method: read(attributes, 'method')?.toUpperCase() === 'POST' ? 'POST' : 'GET',
    fields: [...inner.matchAll(CONTROL)].flatMap(([, tag, own = '', select = '', options = '']) =>
      tag === undefined ? choicesOf(select, options) : control(tag, own),
    ),
  }));
}

function control(tag: string, attributes: string): readonly Field[] {
  const name = read(attributes, 'name');
  if (name === undefined || has(attributes, 'disabled')) return [];
  const type = read(attributes, 'type') ?? (tag === 'button' ? 'submit' : 'text');
  const tickable = type === 'checkbox' || type === 'radio';
  const value = read(attributes, 'value') ?? (tickable ? 'on' : '');
  return [{ name, value, type, sent: tickable ? has(attributes, 'checked') : type !== 'submit' }];
}

function choicesOf(attributes: string, inner: string): readonly Field[] {
  const name = read(attributes, 'name');
  if (name === undefined || has(attributes, 'disabled')) return [];
  const options = [...inner.matchAll(/<option\b([^>]*)>([^<]*)/g)].map(([, own = '', text = '']) => ({
    name,
    type: 'select',
    value: read(own, 'value') ?? text.trim(),
    sent: has(own, 'selected'),
  }));
  const chosen = options.some(({ sent }) => sent);
  return options.map((option, index) => (chosen ? option : { ...option, sent: index === 0 }));
}

const has = (attributes: string, name: string): boolean =>
  new RegExp(`(?:^|\\s)${name}(?:[\\s=/]|$)`).test(attributes);

function read(attributes: string, name: string): string | undefined {
  const found = new RegExp(`(?:^|\\s)${name}=(?:"([^"]*)"|'([^']*)')`).exec(attributes);
  const raw = found?.[1] ?? found?.[2];
  return raw
    ?.replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}
