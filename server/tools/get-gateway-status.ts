/** get_gateway_status: is everything up, and may anything be traded. */
import { z } from 'zod';
import { ok } from '#domain/result.ts';
import { defineTool } from './define.ts';
import { accountStatusWire } from './project.ts';
import { StatusShape } from './shapes.ts';

export const getGatewayStatus = defineTool({
  name: 'get_gateway_status',
  title: 'Get gateway status',
  description:
    'Version, trading state (ACTIVE, REDUCING: only lowering risk, HALTED: only cancels and closes of your own), whether remote MCP is on, and per account whether its broker is connected, the age of the last tick, the last reconciliation, and what is amiss (only the owner can sign in at a broker).',
  scope: 'read:market',
  effect: 'read',
  rest: { method: 'GET', path: '/status' },
  example: {
    prompt: 'Is everything connected, and may I trade?',
    arguments: {},
  },
  input: z.strictObject({}),
  output: StatusShape,
  run(services, principal) {
    const status = services.desk.status(principal);
    return ok({
      version: services.version,
      trading_state: status.tradingState,
      remote_mcp: services.remoteMcp(),
      accounts: status.accounts.map(accountStatusWire),
    });
  },
});
