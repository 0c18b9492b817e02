/** Where a browser may be sent with a code: what is taken, what is refused and why, and that nothing gets past the rules in disguise. */
import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkRedirectUri, redirectHost } from '#oauth/redirect-uri.ts';

/** Reruns are `FUZZ_SEED=… npx vitest run test/oauth/redirect-uri.test.ts`. */
const SEED = Number(process.env['FUZZ_SEED'] ?? randomInt(1_000_000_000));

const why = (uri: string): string => {
  const checked = checkRedirectUri(uri);
  return checked.ok ? 'taken' : checked.error;
};

describe('a redirect URI', () => {
  test.each([
    'https://claude.ai/api/mcp/auth_callback',
    'https://client.example:8443/cb?tenant=1',
    'https://xn--80ak6aa92e.com/cb',
    'https://192.0.2.1/cb',
    'http://localhost/callback',
    'http://localhost:33418/',
    'http://127.0.0.1:6274/oauth/callback/debug',
    'http://[::1]:1/cb',
    'cursor://anysphere.cursor-retrieval/oauth/user-id/callback',
    'vscode://vscode.github-authentication/did-authenticate',
    'com.example.app:/oauth',
    'https://client.example/cb?next=%2Fa%20b',
    'HTTPS://Client.Example/cb',
  ])('is taken: %s', (uri) => expect(why(uri)).toBe('taken'));

  test.each([
    // Clear text to anywhere but this machine, and names that only look like this machine.
    ['http://client.example/cb', 'be https'],
    ['http://localhost.evil.example/cb', 'be https'],
    ['http://127.0.0.1.evil.example/cb', 'be https'],
    ['http://localhost./cb', 'be https'],
    ['http://127.0.0.2/cb', 'be https'],
    ['http://0.0.0.0/cb', 'be https'],
    ['https://localhost/cb', 'be http on localhost'],
    // Other spellings of an address.
    ['http://127.1/cb', 'name its host plainly'],
    ['http://2130706433/cb', 'name its host plainly'],
    ['http://0x7f.0.0.1/cb', 'name its host plainly'],
    ['http://0177.0.0.1/cb', 'name its host plainly'],
    ['http://[0:0:0:0:0:0:0:1]/cb', 'name its host plainly'],
    ['https://%63laude.ai/cb', 'name its host plainly'],
    ['https:client.example/cb', 'name its host plainly'],
    ['https:/client.example/cb', 'name its host plainly'],
    ['https:///client.example/cb', 'name its host plainly'],
    ['https://client.example:/cb', 'name its host plainly'],
    // User names, fragments, backslashes, wildcards.
    ['https://claude.ai@evil.example/cb', 'have no user name'],
    ['https://user:pass@client.example/cb', 'have no user name'],
    ['https://@client.example/cb', 'have no user name'],
    ['http://localhost:80@evil.example/', 'have no user name'],
    ['cursor://user@anysphere/cb', 'have no user name'],
    ['https://client.example/cb#', 'have no fragment'],
    ['https://client.example/cb#code=x', 'have no fragment'],
    ['cursor://x/cb#y', 'have no fragment'],
    ['https://claude.ai\\@evil.example/cb', 'have no backslash'],
    ['https:\\\\evil.example/cb', 'have no backslash'],
    ['https://*.client.example/cb', 'wildcard'],
    ['https://client.example/*', 'wildcard'],
    ['https://client.example/"onload=', 'quote'],
    ['https://client.example/<b>', 'bracket'],
    // What hides.
    ['https://client.example/cb\n', 'visible ASCII'],
    ['https://client.example/cb\r\nSet-Cookie:a=b', 'visible ASCII'],
    [' https://client.example/cb', 'visible ASCII'],
    ['https://client.example/c b', 'visible ASCII'],
    ['https://client\t.example/cb', 'visible ASCII'],
    ['https://client.example/\u202ecb', 'visible ASCII'],
    ['https://client\u200b.example/cb', 'visible ASCII'],
    ['https://cl\u0430ude.ai/cb', 'xn--'],
    ['https://claude\u3002ai/cb', 'xn--'],
    ['https://client.example/cb%0d%0aX: y', 'visible ASCII'],
    ['https://client.example/cb%0d%0aX', 'encoded control'],
    ['https://client.example/%00', 'encoded control'],
    ['https://client.example/%zz', 'percent signs'],
    // Nothing at all.
    ['', 'visible ASCII'],
    ['/cb', 'whole address'],
    ['//client.example/cb', 'whole address'],
    ['client.example/cb', 'whole address'],
    ['https://', 'whole address'],
    ['https://client.example:99999/cb', 'whole address'],
    [`https://client.example/${'a'.repeat(500)}`, 'at most'],
  ])('is refused: %j', (uri, rule) => {
    expect(why(uri)).toContain(rule);
  });

  // Schemes that run, open or send something.
  test.each([
    'javascript:alert(1)',
    'JavaScript:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'file:///etc/passwd',
    'blob:https://client.example/x',
    'about:blank',
    'mailto:a@b.example',
    'tel:1',
    'ftp://client.example/',
    'ws://client.example/',
    'wss://client.example/',
    'view-source:https://client.example/',
    'intent://x',
    'ms-word:ofe',
    'ms-settings:about',
    'chrome-extension://abc/x',
    'search-ms:query',
    'urn:ietf:wg:oauth:2.0:oob',
    'web+mastodon://x',
    'ssh://client.example',
    'jar:https://client.example/x',
    'filesystem:https://client.example/x',
  ])('is refused for its scheme: %s', (uri) => {
    expect(why(uri)).toContain('scheme of a program');
  });

  test('whatever is taken leads where it says: one host, in ASCII, over https or to this machine or to a program', () => {
    const part = fc.constantFrom(
      'https',
      'http',
      'HTTP',
      'cursor',
      'javascript',
      'data',
      ':',
      '//',
      '/',
      '\\',
      '@',
      '#',
      '?',
      '*',
      '%2f',
      '%0a',
      '\n',
      '\t',

      ' ',
      'localhost',
      '127.0.0.1',
      '[::1]',
      'claude.ai',
      'evil.example',
      '.',
      ':80',
      ':443',
      'a',
      '\u0430',
      '\u202e',
      '\u3002',
      '0x7f.1',
      'xn--a',
    );
    const text = fc.oneof(
      fc.array(part, { maxLength: 10 }).map((parts) => parts.join('')),
      fc.array(part, { maxLength: 8 }).map((parts) => `https://${parts.join('')}`),
      fc.webUrl({ withFragments: true, withQueryParameters: true }),
      fc.string({ unit: 'grapheme' }),
    );
    let taken = 0;
    fc.assert(
      fc.property(text, (uri) => {
        if (!checkRedirectUri(uri).ok) return;
        taken++;
        const parsed = new URL(uri);
        expect(uri).toMatch(/^[\x21-\x7e]+$/);
        expect(parsed.username + parsed.password + parsed.hash).toBe('');
        expect(uri).not.toMatch(/[\\*#]/);
        expect(['javascript:', 'data:', 'file:', 'blob:', 'vbscript:']).not.toContain(parsed.protocol);
        if (parsed.protocol === 'http:')
          expect(['localhost', '127.0.0.1', '[::1]']).toContain(parsed.hostname);
        // What a person reads between the slashes is what the browser connects to.
        if (/^https?:/.test(parsed.protocol)) {
          expect(
            uri
              .toLowerCase()
              .split('/')[2]
              ?.replace(/[?].*$/, '')
              .replace(/:\d+$/, ''),
          ).toBe(parsed.hostname);
          expect(redirectHost(uri)).toBe(parsed.host);
        }
      }),
      { seed: SEED, numRuns: 5_000 },
    );
    console.info(`redirect URIs: FUZZ_SEED=${SEED}, ${taken} taken`);
    expect(taken).toBeGreaterThan(50);
  });
});

test('the owner is shown a host as it is connected to, and a program by its scheme', () => {
  expect(redirectHost('https://cl\u0430ude.ai/cb')).toBe('xn--clude-5ve.ai');
  expect(redirectHost('https://client.example:8443/cb')).toBe('client.example:8443');
  expect(redirectHost('http://localhost/callback')).toBe('localhost');
  expect(redirectHost('cursor://anysphere.cursor-retrieval/cb')).toBe('cursor:');
  expect(redirectHost('nonsense')).toBe('unreadable');
});
