// Links into the console lead to this machine, whatever the gateway listens on.

import { expect, it } from 'vitest';
import { oneTimeUrl, SETUP_PATH } from '#cli/console-link.ts';

it.each([
  ['http://127.0.0.1:7800', 'http://127.0.0.1:7800/admin/setup?code=a-b_c'],
  ['http://0.0.0.0:7800', 'http://127.0.0.1:7800/admin/setup?code=a-b_c'],
  ['http://[::]:7800', 'http://127.0.0.1:7800/admin/setup?code=a-b_c'],
  ['http://[::1]:7800', 'http://[::1]:7800/admin/setup?code=a-b_c'],
])('a gateway on %s gives %s', (url, link) => {
  expect(oneTimeUrl(url, SETUP_PATH, { code: 'a-b_c' })).toBe(link);
});
