/** Somebody at the console with a browser of their own and no scripts: keeps cookies, sends the forms of the page last seen. */
import { wordsOf } from './console-client.ts';

export interface Seen {
  readonly status: number;
  readonly html: string;
  /** The text without its tags, white space as one space. */
  readonly words: string;
  /** Where a redirect leads. */
  readonly to: string | null;
  readonly headers: Headers;
}

export interface FormVisitor {
  /** By name, without what has ended. */
  readonly cookies: ReadonlyMap<string, string>;
  get(path: string): Promise<Seen>;
  /** With the token of the page last seen; redirects are not followed. */
  send(path: string, fields?: Readonly<Record<string, string | readonly string[]>>): Promise<Seen>;
  /** And goes where that leads. */
  follow(path: string, fields?: Readonly<Record<string, string | readonly string[]>>): Promise<Seen>;
}

/** `reach`: how it comes there, when not by plain fetch. */
export function formVisitor(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  reach: (url: URL, init: RequestInit) => Promise<Response> = fetch,
): FormVisitor {
  const cookies = new Map<string, string>();
  let token = '';
  async function ask(path: string, init: RequestInit = {}): Promise<Seen> {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await reach(new URL(path, url), {
      ...init,
      redirect: 'manual',
      headers: { ...headers, cookie, ...(init.headers as Record<string, string>) },
    });
    for (const line of answer.headers.getSetCookie()) keep(cookies, line);
    const html = await answer.text();
    token = /name="_token" value="([^"]+)"/.exec(html)?.[1] ?? token;
    const { status, headers: answered } = answer;
    return { status, html, words: wordsOf(html), to: answered.get('location'), headers: answered };
  }
  const self: FormVisitor = {
    cookies,
    get: (path) => ask(path),
    send(path, fields = {}) {
      const body = new URLSearchParams({ _token: token });
      for (const [name, value] of Object.entries(fields))
        for (const one of [value].flat()) body.append(name, one);
      return ask(path, {
        method: 'POST',
        body: body.toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      });
    },
    async follow(path, fields) {
      const sent = await self.send(path, fields);
      if (sent.to === null)
        throw new Error(`${path} led nowhere: ${sent.status} ${sent.words.slice(0, 300)}`);
      return ask(sent.to);
    },
  };
  return self;
}

function keep(cookies: Map<string, string>, line: string): void {
  const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
  const ended = value === '' || /;\s*Expires=Thu, 01 Jan 1970/i.test(line);
  if (ended) cookies.delete(name);
  else cookies.set(name, value);
}
