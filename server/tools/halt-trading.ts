/** halt_trading: the caller stops itself; only the owner lets it go on. */
import { z } from 'zod';
import { printable } from '#domain/refusal.ts';
import { ok } from '#domain/result.ts';
import { REASON_LENGTH_MAX } from '#limits.ts';
import { defineTool } from './define.ts';

export const haltTrading = defineTool({
  name: 'halt_trading',
  title: 'Halt my trading',
  description:
    "Halts your own trading at once, nobody else's: afterwards you may only cancel your orders and close your positions, until the owner lifts it. Your orders that could add risk are canceled; protective ones stay.",
  scope: 'write:orders',
  effect: 'reduce',
  openWorld: false,
  rest: { method: 'POST', path: '/halt' },
  example: {
    prompt: 'Stop trading: the prices look wrong to me.',
    arguments: { reason: 'prices look wrong' },
  },
  input: z.strictObject({
    reason: z.string().max(REASON_LENGTH_MAX).optional().describe('For the owner to read'),
  }),
  output: z.object({ trading_state: z.literal('HALTED'), agent: z.string() }),
  async run(services, principal, given) {
    const reason = printable(given.reason ?? '').trim();
    const halted = await services.desk.haltTrading(principal, reason === '' ? 'no reason given' : reason);
    return halted.ok ? ok({ trading_state: halted.value.tradingState, agent: halted.value.agent }) : halted;
  },
});
