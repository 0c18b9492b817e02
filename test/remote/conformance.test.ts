/** The protocol's own scenarios for authorization servers, against the gateway and the owner's real pages. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runAuthorizationSuite } from '../support/conformance/authorization.ts';
import { shortcomings } from '../support/conformance/suite.ts';
import { freePort } from '../support/free-port.ts';
import { approve, register } from '../support/remote-flow.ts';
import { openRemoteGateway, type RemoteGateway } from '../support/remote-gateway.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const SCENARIOS = ['authorization-server-metadata-endpoint', 'authorization-code-grant'];

let at: RemoteGateway;
beforeAll(async () => {
  at = await openRemoteGateway();
});
afterAll(() => at.close());

test('a client that registered itself finds nothing amiss', async () => {
  const port = await freePort();
  const { body } = await register(at, { redirect_uris: [`http://127.0.0.1:${port}/callback`] });
  approve(at, String(body['client_id']));
  const report = await runAuthorizationSuite({
    issuer: at.issuer,
    resource: at.resource,
    clientId: String(body['client_id']),
    port,
    home: temporaryFolder(),
    visit: (address) => at.browser().grant(address),
  });
  expect([...report.keys()].toSorted()).toEqual(SCENARIOS.toSorted());
  expect(shortcomings(report, SCENARIOS)).toEqual([]);
});
