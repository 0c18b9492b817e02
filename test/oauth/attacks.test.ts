/**
 * Every attack that a host of OAuth has to expect, and where it is played; a row whose proof is gone is a promise that nobody keeps.
 * A name of a proof is the beginning of a test's title, as it stands in the source.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const TESTS = new URL('../', import.meta.url);

const ADDRESS = 'oauth/attacks-address.test.ts';
const AUTHORIZE = 'oauth/attacks-authorize.test.ts';
const BROWSER = 'oauth/attacks-browser.test.ts';
const FLOOD = 'oauth/attacks-flood.test.ts';
const REDIRECT = 'oauth/attacks-redirect.test.ts';
const REGISTRATION = 'oauth/registration-attacks.test.ts';
const TOKEN = 'oauth/attacks-token.test.ts';
const TOKENS = 'oauth/tokens.test.ts';
const FORGED = 'oauth/attacks-access-token.test.ts';
const PAGES = 'http/oauth-pages.test.ts';
const CONSENT = 'http/oauth-pages-consent.test.ts';
const PROOFS = 'http/oauth-pages-proofs.test.ts';
const KILL = 'compose/remote-kill.test.ts';

type Proof = readonly [file: string, ...titles: readonly string[]];

const ATTACKS: Readonly<Record<string, readonly Proof[]>> = {
  'mix-up: iss on success and on error': [
    [
      AUTHORIZE,
      'iss is on success',
      'iss is on every error',
      'iss, code and state that stand in a redirect URI',
    ],
  ],
  'code: another client': [
    [TOKENS, 'is for its client, its address and its verifier'],
    [BROWSER, 'a code of it is worth nothing'],
  ],
  'code: another redirect': [[TOKENS, 'is for its client, its address and its verifier']],
  'code: replay': [[TOKENS, 'that comes twice kills what it had bought']],
  'code: expiry': [[TOKENS, 'dies after its time']],
  'code: in parallel': [[TOKENS, 'that comes many times at once']],
  'code: after a kill': [
    [TOKENS, 'of before a kill opens nothing'],
    [KILL, '%s ends tokens, codes and pages at once'],
  ],
  'PKCE: none, plain, missing': [
    [AUTHORIZE, 'none: no challenge', 'plain', 'no method, which would mean plain'],
  ],
  'PKCE: wrong': [[TOKENS, 'is for its client, its address and its verifier']],
  'redirect_uri: tricks': [
    [
      REDIRECT,
      'with %s leads nowhere',
      'on loopback, where the port is free',
      'of a program is its own to the letter',
    ],
  ],
  'redirect_uri: duplicates': [[AUTHORIZE, 'redirect_uri: neither of the two is gone to']],
  'the open redirect of a client that waits': [
    [REDIRECT, 'open redirect: %s brings a page', 'open redirect: nor once it was turned down'],
  ],
  response_type: [[AUTHORIZE, 'response_type token', 'response_type none', 'no response_type']],
  response_mode: [
    [
      AUTHORIZE,
      'response_mode fragment',
      'response_mode form_post',
      'response_mode web_message',
      'response_mode jwt',
    ],
  ],
  request: [[AUTHORIZE, 'a request object']],
  request_uri: [[AUTHORIZE, 'a request_uri', 'a request_uri as of pushed requests']],
  'registration: schemes and user names': [
    [REGISTRATION, 'with %s are refused, also beside one that is in order'],
  ],
  'registration: a forged id or secret': [[REGISTRATION, 'a forged id, secret, state or agent is dropped']],
  'registration: size': [[REGISTRATION, 'of more than 8 KiB is refused before it is read']],
  'registration: the cap': [
    ['oauth/caps.test.ts', 'have at most twenty clients that wait'],
    ['oauth/caps-flood.test.ts', '10,000 registrations from one address'],
  ],
  'registration: variants of the path': [[REGISTRATION, '%s is not there', '%s is the same door']],
  'registration: 429 for one address': [[REGISTRATION, 'one address too often is answered 429']],
  'tokens: aud': [[FORGED, 'aud: another resource', 'aud: ours among others', 'aud: our origin']],
  'tokens: iss': [[FORGED, 'iss: another', 'iss: ours with a slash']],
  'tokens: typ': [[FORGED, 'typ: an ID token']],
  'tokens: alg none': [[FORGED, 'alg none', 'alg None with a signature']],
  'tokens: HS256 with the public key': [[FORGED, 'HS256 with the public key']],
  'tokens: exp': [[FORGED, 'exp: a second ago', 'exp: never', 'exp: in a hundred years']],
  'tokens: an unknown gid': [[FORGED, 'unknown gid: signed by our key']],
  'tokens: in the query string': [
    [FORGED, 'in the query string, in the body or in a cookie'],
    ['http/remote-tokens.test.ts', 'in the query string is not looked at'],
  ],
  'tokens: headers that bring a key of their own': [
    [FORGED, 'jku, x5u: an address of its own is never asked', 'jwk: a key of its own', 'kid: a path'],
  ],
  'tokens: after switch-off': [
    ['oauth/access-token.test.ts', 'writing was switched off', 'remote MCP was switched off'],
    ['compose/remote-settings.test.ts', 'switched off acts at once', '=false shuts them all'],
  ],
  'tokens: off, then on': [
    [
      'oauth/grants.test.ts',
      'ends what could write and nothing else, and switching it on brings nothing back',
    ],
    [
      'remote/restart.test.ts',
      'off is off: no route, no token, and switched on again nothing of before lives',
    ],
  ],
  'refresh: replay': [[TOKENS, 'of a grant that can write: used a second time']],
  'refresh: in parallel': [[TOKENS, 'of a grant that can write, twice at the same moment']],
  'refresh: another client': [
    [TOKENS, 'is not used up by a request that is refused'],
    [TOKEN, 'a refresh token of a confidential client'],
  ],
  'refresh: downgrade': [
    [TOKEN, 'a refresh token of a confidential client is worth nothing without its secret: no downgrade'],
    [TOKENS, 'may ask for less, and the next one still brings all'],
  ],
  "refresh: the grace's edge": [
    [
      TOKENS,
      'of a grant that only reads is shared',
      'of a grant that only reads, a moment after that minute',
      'whose child was used already has no minute',
    ],
    [TOKEN, 'who refreshes with a read-only token within its minute'],
  ],
  'consent: CSRF': [
    [PAGES, 'CSRF: a consent without the token of its page', 'CSRF: the token of another page'],
  ],
  'consent: Origin and Sec-Fetch-Site': [
    [PAGES, 'Origin of another site', 'Sec-Fetch-Site cross-site', 'CSRF: %s grants nothing'],
  ],
  'consent: framing': [[PAGES, 'no site can frame a page']],
  "consent: another browser's uid": [
    [PAGES, "another browser's page is over", "one's own cookie opens nobody else's page"],
    [
      BROWSER,
      'the page is over there, so that nobody signs in on it',
      'a consent of the owner is not picked up',
    ],
  ],
  'consent: resume without the cookie': [[PAGES, 'resuming without the cookie leads to no client']],
  'consent: a forged tick of a hidden scope': [
    [
      CONSENT,
      'a forged tick of a scope %s refuses all of it',
      'the ceiling made lower: a tick from before is refused',
    ],
  ],
  'TOTP: replay': [[PROOFS, 'is good once: a replay in another page grants nothing']],
  'TOTP: lockout with the right code': [
    [PROOFS, 'lockout: after five wrong ones the right one is not looked at'],
  ],
  'Host and X-Forwarded-* spoofing': [
    [ADDRESS, 'a foreign %s is not served', 'X-Forwarded-* and Forwarded move no address'],
  ],
  'CIMD: SSRF': [[REDIRECT, 'SSRF: an address of this machine', 'SSRF: the metadata address of clouds']],
  'CIMD: redirect': [[REDIRECT, 'redirect: a document that leads on']],
  'CIMD: oversize': [[REDIRECT, 'oversize: a document without end']],
  'CIMD: mismatch': [
    [REDIRECT, 'mismatch: a pinned address with a slash', 'mismatch: a pinned id leads to the addresses'],
  ],
  'timing of secrets': [[FORGED, 'timing of secrets']],
  'timing of login names': [['access/owner-timing.test.ts', 'on the page of a remote client too']],
  'logs that hold a code, a token or a TOTP': [
    [
      'remote/secrets.test.ts',
      'whole connections of clients with and without a secret leave none of it anywhere',
    ],
    [TOKENS, 'neither the log nor the record nor the database holds a code'],
  ],
  'row flooding of authorize': [
    [FLOOD, 'row flooding: requests that get nothing', 'row flooding: requests that wait count'],
    ['oauth/authorize.test.ts', 'from one network fill that network', 'from everywhere fill all there is'],
  ],
  'log injection': [[FLOOD, 'what a stranger writes in any field']],
  'session fixation and swapping': [
    [BROWSER, 'nor in a browser that was never here', 'a sign-in of one request is none for another'],
  ],
  'a race of approve and revoke': [[BROWSER, 'approve and revoke at the same moment']],
  'verbs, encodings, endpoints that are not there': [
    [
      ADDRESS,
      'what this gateway does not offer is not there',
      '%s with %o is no other verb',
      'CORS: no page of another origin',
    ],
    [TOKEN, 'another type or coding is no form', '%s twice is refused', 'grant_type %s is none of ours'],
  ],
};

const proofs = Object.entries(ATTACKS).flatMap(([attack, files]) =>
  files.flatMap(([file, ...titles]) => titles.map((title) => [attack, title, file] as const)),
);

describe('each attack is played', () => {
  test.each(proofs)('%s: "%s" in %s', (_attack, title, file) => {
    const source = readFileSync(new URL(file, TESTS), 'utf8').replaceAll("\\'", "'");
    expect(['"', "'", '`'].some((quote) => source.includes(quote + title))).toBe(true);
  });

  test('and none of them by a test that is left out', () => {
    for (const file of new Set(proofs.map(([, , of]) => of)))
      expect(readFileSync(new URL(file, TESTS), 'utf8'), file).not.toMatch(/\.(?:skip|todo|only|fails)\b/);
  });
});
