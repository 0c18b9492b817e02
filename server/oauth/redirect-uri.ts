/** Where the browser may be sent with a code: which addresses a client may register, and how the owner is shown one. */
import { err, ok, type Result } from '#domain/result.ts';
import { CLIENT_URI_LENGTH_MAX } from '#limits.ts';

/** As oidc-provider has them: on these any port is the client's (RFC 8252, section 7.3). */
const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * Schemes that browsers or systems do something with themselves: run it, open a file, write a message, show another page's source.
 * Everything else belongs to the program that has registered it with the system (`cursor:`, `vscode:`, `com.example.app:`).
 */
const DENIED_SCHEMES: ReadonlySet<string> = new Set(
  `about admin blob callto cid chrome chrome-extension chrome-untrusted content data devtools edge facetime feed file
   filesystem ftp ftps geo help intent itms-apps itms-services jar javascript livescript ldap ldaps magnet mailto market
   mhtml microsoft-edge mid mms mocha moz-extension ms-appinstaller ms-msdt ms-search news nfs nntp opera resource
   safari-extension search search-ms sftp shell sip sips sms smb ssh tel telnet urn vbs vbscript view-source wais ws wss
   wyciwyg xmpp`.split(/\s+/),
);
/** Families of the same: `ms-word:` opens Office, `ms-settings:` a system's panels, `web+x:` and `ext+x:` are other pages. */
const DENIED_SCHEME_FAMILIES = /^(?:ms-|web\+|ext\+|x-apple|itms|chrome|moz|about)/;

/** Visible ASCII without what readers of an address disagree on; a trailing newline is no part of any. */
const PLAIN = /^[\x21-\x7e]+$/;
const SCHEME = /^([a-z][a-z0-9+.-]*):/i;
/** RFC 3986, section 3.2: scheme, host and port, the rest. */
const WEB_ADDRESS = /^https?:\/\/(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?(?:[/?].*)?$/i;

/** Why a client may not be called back at this address, as the end of "A redirect URI must …"; nothing is repeated of it. */
export function checkRedirectUri(given: string): Result<string, string> {
  if (given.length > CLIENT_URI_LENGTH_MAX) return err(`have at most ${CLIENT_URI_LENGTH_MAX} characters`);
  if (!PLAIN.test(given))
    return err('be written in visible ASCII without spaces; a host in another script in its xn-- form');
  if (/[\\*<>"^`{|}]/.test(given)) return err('have no backslash, wildcard, quote, bracket or brace');
  if (/%(?![0-9a-f]{2})/i.test(given) || /%(?:0[0-9a-f]|1[0-9a-f]|7f)/i.test(given))
    return err('have percent signs only before two hexadecimal digits, and no encoded control characters');
  // RFC 6749, section 3.1.2; an empty fragment too.
  if (given.includes('#')) return err('have no fragment');
  const scheme = SCHEME.exec(given)?.[1]?.toLowerCase();
  const parsed = URL.parse(given);
  if (scheme === undefined || !parsed) return err('be a whole address with a scheme');
  const refused =
    scheme === 'https' || scheme === 'http'
      ? refusedWebAddress(given, parsed)
      : refusedAppAddress(scheme, parsed);
  return refused === undefined ? ok(given) : err(refused);
}

function refusedWebAddress(given: string, parsed: URL): string | undefined {
  if (/^https?:\/\/[^/?]*@/i.test(given)) return 'have no user name or password';
  const written = WEB_ADDRESS.exec(given)?.[1]?.toLowerCase();
  // `127.1`, `0x7f.1` and the like are other names of an address: what the owner reads must be where the browser goes.
  if (written === undefined || written !== parsed.hostname)
    return 'name its host plainly, as a name or a whole address';
  const isLoopback = LOOPBACK_HOSTS.has(parsed.hostname);
  if (parsed.protocol === 'http:' && !isLoopback)
    return 'be https; http is for localhost, 127.0.0.1 and [::1] alone';
  return parsed.protocol === 'https:' && isLoopback ? 'be http on localhost, 127.0.0.1 and [::1]' : undefined;
}

function refusedAppAddress(scheme: string, parsed: URL): string | undefined {
  if (DENIED_SCHEMES.has(scheme) || DENIED_SCHEME_FAMILIES.test(scheme))
    return 'be https, http on this machine, or the scheme of a program of its own';
  return parsed.username !== '' || parsed.password !== '' || /^[^/]*:\/\/[^/?]*@/.test(parsed.href)
    ? 'have no user name or password'
    : undefined;
}

/** For people: the host in ASCII (`xn--…` where it is in another script), or the scheme of a program. */
export function redirectHost(uri: string): string {
  const parsed = URL.parse(uri);
  if (!parsed) return 'unreadable';
  if (parsed.protocol === 'https:' || parsed.protocol === 'http:') return parsed.host;
  return parsed.protocol;
}
