/** Which browser an authorization is in: told by a cookie that nobody can plant there, beside those of the library, which many can. */
import { hash, randomBytes } from 'node:crypto';
import { BROWSER_MARK_TTL_SECONDS } from '#limits.ts';

const MARK = /^[A-Za-z0-9_-]{43}$/;

export interface BrowserMark {
  /** What is kept of it. */
  readonly digest: string;
  /** Sets it, or lets it live on. */
  readonly cookie: string;
}

export interface BrowserMarks {
  /** The one that a browser brings; undefined: none, or more than one. */
  brought(cookies: string | undefined): BrowserMark | undefined;
  fresh(): BrowserMark;
}

/**
 * RFC 6265bis, section 4.1.3.2: a cookie named `__Host-` comes from this very host and over TLS. Others can be set by whoever
 * answers under a sibling name, and so an attacker could begin an authorization, plant its page in the owner's browser, and go on
 * themselves from where the owner has signed in. Plain http, on this machine alone, has no such cookie.
 */
export function browserMarks(secure: boolean): BrowserMarks {
  const name = secure ? '__Host-pcl_oauth_browser' : 'pcl_oauth_browser';
  const attributes = `Path=/; Max-Age=${BROWSER_MARK_TTL_SECONDS}; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;
  const of = (mark: string): BrowserMark => ({
    digest: hash('sha256', mark, 'base64url'),
    cookie: `${name}=${mark}; ${attributes}`,
  });
  return {
    brought(cookies = '') {
      const values = cookies
        .split(/; */)
        .filter((cookie) => cookie.startsWith(`${name}=`))
        .map((cookie) => cookie.slice(name.length + 1));
      const [mark = '', ...more] = values;
      return more.length === 0 && MARK.test(mark) ? of(mark) : undefined;
    },
    fresh: () => of(randomBytes(32).toString('base64url')),
  };
}
