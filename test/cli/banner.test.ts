/** What `serve` says of remote MCP once it serves: where hosts connect, and what is missing for strangers to be told from the owner. */
import { expect, test } from 'vitest';
import { banner } from '#cli/banner.ts';
import { openTestGateway } from '../support/gateway.ts';

const REMOTE = { MCP_HTTP_ENABLED: 'true', MCP_PUBLIC_URL: 'https://gate.example' };
const ONE_ADDRESS = 'TRUSTED_PROXIES is empty';

test.each([
  ['off', {}, false, false],
  ['behind a proxy that is trusted', { ...REMOTE, TRUSTED_PROXIES: '127.0.0.1' }, true, false],
  ['behind a proxy that nobody named', REMOTE, true, true],
  ['on this machine alone', { ...REMOTE, MCP_PUBLIC_URL: 'http://127.0.0.1:7800' }, true, false],
] as const)('remote MCP %s', async (_where, settings, isTold, isWarned) => {
  const { gateway, close } = await openTestGateway({ settings });
  try {
    const said = banner(gateway, { onTerminal: false });
    expect([said.includes('Remote MCP  '), said.includes(ONE_ADDRESS)]).toEqual([isTold, isWarned]);
  } finally {
    await close();
  }
});
