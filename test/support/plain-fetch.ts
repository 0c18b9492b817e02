/** `fetch` to loopback that adds no headers of its own: the one of Node calls every request a script's (`sec-fetch-mode: cors`). */
import { send } from './raw-http.ts';

export async function plainFetch(url: string | URL, init: RequestInit = {}): Promise<Response> {
  const { port, pathname, search, host } = new URL(url);
  const answer = await send({
    port: Number(port),
    method: init.method ?? 'GET',
    path: pathname + search,
    headers: { host, ...Object.fromEntries(new Headers(init.headers)) },
    ...(init.body === undefined || init.body === null ? {} : { body: String(init.body as string) }),
  });
  const headers = new Headers();
  for (const [name, value] of Object.entries(answer.headers))
    for (const one of [value ?? []].flat()) headers.append(name, one);
  const empty = answer.status === 204 || answer.status === 304;
  return new Response(empty ? null : answer.text, { status: answer.status, headers });
}
