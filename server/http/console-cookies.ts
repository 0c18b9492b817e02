/** The cookies of the console: which there are, under which names, and where they may be set at all. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isLoopbackAddress, isLoopbackName, parseHost } from './perimeter.ts';

/**
 * `session`: the owner, signed in. `visit`: a browser that has not signed in, for the forms of the entrances. `ticket`: what a
 * one-time link gave it. `device`: a browser that the owner trusts.
 */
export type ConsoleCookie = 'session' | 'visit' | 'ticket' | 'device';

export interface CookieJar {
  get(name: ConsoleCookie): string | undefined;
  /** For as long as the browser runs, or until `expiresAtMs`. */
  set(name: ConsoleCookie, value: string, expiresAtMs?: number): void;
  clear(name: ConsoleCookie): void;
}

/**
 * `plain` is http on this machine, where nobody else hears it; undefined: http that others hear. A loopback Host alone does not
 * say so: a relay on another machine passes it on.
 */
export function transportOf(request: FastifyRequest): 'secure' | 'plain' | undefined {
  if (request.protocol === 'https') return 'secure';
  const host = parseHost(request.headers.host ?? '');
  const here = isLoopbackAddress(request.socket.remoteAddress ?? '');
  return here && host !== undefined && isLoopbackName(host.name) ? 'plain' : undefined;
}

/**
 * RFC 6265bis section 4.1.3.2: a browser keeps `__Host-` cookies for this host alone and over TLS alone. Plain http on loopback
 * can not have them, and there cookies do not know ports, so the port is in the name.
 */
export function cookieJar(request: FastifyRequest, reply: FastifyReply): CookieJar {
  const secure = transportOf(request) === 'secure';
  const port = parseHost(request.headers.host ?? '')?.port ?? '';
  const nameOf = (cookie: ConsoleCookie): string =>
    secure ? `__Host-portcullis-${cookie}` : `portcullis-${port === '' ? '80' : port}-${cookie}`;
  const options = { httpOnly: true, secure, sameSite: 'strict', path: '/' } as const;
  return {
    get: (cookie) => request.cookies[nameOf(cookie)],
    set: (cookie, value, expiresAtMs) =>
      void reply.setCookie(nameOf(cookie), value, {
        ...options,
        ...(expiresAtMs === undefined ? {} : { expires: new Date(expiresAtMs) }),
      }),
    clear: (cookie) => void reply.clearCookie(nameOf(cookie), options),
  };
}
