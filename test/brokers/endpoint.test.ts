/** Where an account may be sent in place of its broker: this machine, by an address that holds no secret, and nothing that only looks like it. */
import { expect, it } from 'vitest';
import { loopbackEndpoint } from '#brokers/endpoint.ts';

const taken = (address: string): boolean => loopbackEndpoint.safeParse(address).success;

it.each(['http://127.0.0.1:8080', 'http://127.9.9.9/base', 'https://localhost:8443', 'ws://[::1]:9000'])(
  'takes %s',
  (address) => {
    expect(taken(address)).toBe(true);
  },
);

it.each([
  'http://127.0.0.1.evil.example',
  'http://127.0.0.1@evil.example',
  'http://evil.example#@127.0.0.1',
  'http://evil.example/127.0.0.1',
  'http://localhost.evil.example',
  'http://localhost%2eevil.example',
  'http://localhost.',
  'http://loopback.example',
  'http://0.0.0.0',
  'http://[::ffff:192.0.2.1]',
  'http://[::]',
  'http://user@127.0.0.1',
  'http://:password@127.0.0.1',
  'http://user:password@localhost',
  'file://localhost/etc/passwd',
  'ftp://127.0.0.1',
  'javascript:127.0.0.1',
  '127.0.0.1:8080',
  '',
  `http://127.0.0.1/${'x'.repeat(200)}`,
])('does not take %s', (address) => {
  expect(taken(address)).toBe(false);
});
