/** The console over plain HTTP, as a browser without scripts uses it: pages are fetched, their forms are sent with their token. */
import { sessionCookie } from './browser.ts';

export interface ConsoleAnswer {
  readonly status: number;
  readonly html: string;
  /** Where a redirect leads. */
  readonly to: string | null;
  readonly headers: Headers;
  /** The text of the page without its tags, white space as one space. */
  readonly words: string;
}

export type FormFields = Readonly<Record<string, string | readonly string[]>>;

export interface ConsoleClient {
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<ConsoleAnswer>;
  /** Sends a form with a token of the signed-in owner; `code` is the second factor (or the passphrase) where one is asked for. */
  post(path: string, fields?: FormFields, code?: string): Promise<ConsoleAnswer>;
  /** The same, and then the page it leads to. */
  follow(path: string, fields?: FormFields, code?: string): Promise<ConsoleAnswer>;
}

export const wordsOf = (html: string): string =>
  html
    .replaceAll(/<(script|style)[^]*?<\/\1>/g, ' ')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .replaceAll('&amp;', '&')
    .trim();

export function consoleClient(url: string, token: string): ConsoleClient {
  const cookie = `${sessionCookie(url)}=${token}`;
  async function ask(path: string, init: RequestInit = {}): Promise<ConsoleAnswer> {
    const answer = await fetch(url + path, {
      ...init,
      redirect: 'manual',
      headers: { cookie, ...(init.headers as Record<string, string>) },
    });
    const html = await answer.text();
    const { status, headers } = answer;
    return { status, html, to: headers.get('location'), headers, words: wordsOf(html) };
  }
  let formToken: string | undefined;
  async function tokenOfForms(): Promise<string> {
    formToken ??= /name="_token" value="([^"]+)"/.exec((await ask('/admin/agents')).html)?.[1];
    if (formToken === undefined) throw new Error('no page has a form');
    return formToken;
  }
  const post: ConsoleClient['post'] = async (path, fields = {}, code) => {
    const body = new URLSearchParams({ _token: await tokenOfForms() });
    for (const [name, value] of Object.entries(fields))
      for (const one of [value].flat()) body.append(name, one);
    if (code !== undefined) body.set('_code', code);
    return ask(path, {
      method: 'POST',
      body: body.toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
  };
  return {
    get: (path, headers = {}) => ask(path, { headers }),
    post,
    async follow(path, fields, code) {
      const answer = await post(path, fields, code);
      if (answer.to === null)
        throw new Error(`${path} led nowhere: ${answer.status} ${answer.words.slice(0, 300)}`);
      return ask(answer.to);
    },
  };
}
