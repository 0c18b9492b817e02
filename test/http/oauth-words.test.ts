/** What the pages of an authorization say of a redirect, and where their forms may lead. */
import { expect, test } from 'vitest';
import { formTargets, targetOf } from '#http/oauth-words.ts';

test.each([
  ['https://claude.ai/api/mcp/auth_callback', 'site', 'claude.ai'],
  ['https://claude.ai.evil.example/claude.ai', 'site', 'claude.ai.evil.example'],
  ['https://clаude.ai/callback', 'site', 'xn--clude-5ve.ai'],
  ['http://127.0.0.1:33418/callback', 'this_device', '127.0.0.1:33418'],
  ['http://localhost:8787/callback', 'this_device', 'localhost:8787'],
  ['http://[::1]:5000/', 'this_device', '[::1]:5000'],
  ['http://127.0.0.1.evil.example/', 'site', '127.0.0.1.evil.example'],
  ['cursor://anysphere.cursor-retrieval/oauth/callback', 'app', 'cursor:'],
])('%s goes to a %s, shown as %s', (uri, kind, place) => {
  expect(targetOf(uri)).toEqual({ kind, place, uri: new URL(uri).href });
  expect(targetOf(uri).uri).toMatch(/^[\x21-\x7e]+$/);
});

test("a form may lead to the client's own origins and to nothing else", () => {
  expect(
    formTargets([
      'https://claude.ai/api/mcp/auth_callback',
      'https://claude.ai/other',
      'https://claude.com/api/mcp/auth_callback',
      'http://127.0.0.1:33418/callback',
      'cursor://anysphere.cursor-retrieval/oauth/callback',
    ]),
  ).toEqual(['https://claude.ai', 'https://claude.com', 'http://127.0.0.1:33418', 'cursor:']);
});

test('no redirect can add a directive to the policy', () => {
  for (const source of formTargets(["https://x.example/;script-src 'unsafe-inline'", 'https://y.example/ *']))
    expect(source).toMatch(/^https:\/\/[xy]\.example$/);
});

test('an IPv6 address, which no policy can name, is let through by its scheme', () => {
  expect(formTargets(['http://[::1]:5000/callback'])).toEqual(['http:']);
});
