/** A browser as HTTP sees it: keeps cookies, follows nothing, and sends forms with the token of the page they stand on. */
import { type RawAnswer, send } from './raw-http.ts';

export interface PlainBrowser {
  readonly cookies: Map<string, string>;
  /** Every Set-Cookie so far, whole. */
  readonly set: string[];
  get(path: string, headers?: Headers): Promise<RawAnswer>;
  /** With the token of the last page, and what a browser says of a form of our own; `headers` and `fields` win. */
  post(path: string, fields?: Fields, headers?: Headers): Promise<RawAnswer>;
  /** Of the last page that had a form. */
  token(): string;
}

type Headers = Readonly<Record<string, string>>;
type Fields = Readonly<Record<string, string>>;

export interface BrowserOptions {
  /** Where the gateway listens. */
  readonly url: string;
  /** What it is called by; default: where it listens. */
  readonly host?: string;
  /** On every request: what a proxy adds. */
  readonly headers?: Headers;
  readonly scheme?: 'http' | 'https';
}

export function plainBrowser({ url, headers: always = {}, ...given }: BrowserOptions): PlainBrowser {
  const { host: listening, port } = new URL(url);
  const host = given.host ?? listening;
  const origin = `${given.scheme ?? 'http'}://${host}`;
  const cookies = new Map<string, string>();
  const set: string[] = [];
  let token = '';

  async function ask(method: string, path: string, headers: Headers, body?: string): Promise<RawAnswer> {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await send({
      port: Number(port),
      method,
      path,
      headers: { host, ...(cookie === '' ? {} : { cookie }), ...always, ...headers },
      ...(body === undefined ? {} : { body }),
    });
    for (const line of answer.headers['set-cookie'] ?? []) {
      set.push(line);
      const [pair = ''] = line.split(';');
      const [name = '', value = ''] = pair.split('=');
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    token = /name="_token" value="([^"]+)"/.exec(answer.text)?.[1] ?? token;
    return answer;
  }
  return {
    cookies,
    set,
    token: () => token,
    get: (path, headers = {}) => ask('GET', path, headers),
    post: (path, fields = {}, headers = {}) =>
      ask(
        'POST',
        path,
        {
          'content-type': 'application/x-www-form-urlencoded',
          origin,
          'sec-fetch-site': 'same-origin',
          ...headers,
        },
        new URLSearchParams({ _token: token, ...fields }).toString(),
      ),
  };
}
