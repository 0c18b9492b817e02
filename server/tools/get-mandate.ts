/** get_mandate: who am I, what may I do, what is left of it today. */
import { z } from 'zod';
import { ok } from '#domain/result.ts';
import { defineTool } from './define.ts';
import { useWire } from './project.ts';
import { MandateShape } from './shapes.ts';

export const getMandate = defineTool({
  name: 'get_mandate',
  title: 'Get my mandate',
  description:
    'Who you are and what the owner lets you do: agent, scopes, accounts, the mandate with its limits, what of it is used today and what is left per account, the limits of whole accounts, and your trading state. Read it before you plan a trade; tighten_mandate makes it tighter, only the owner looser.',
  scope: 'read:account',
  effect: 'read',
  rest: { method: 'GET', path: '/mandate' },
  example: {
    prompt: 'What may you do on my behalf, and how much of it is left today?',
    arguments: {},
  },
  input: z.strictObject({}),
  output: MandateShape,
  async run(services, principal) {
    const found = await services.desk.mandate(principal);
    if (!found.ok) return found;
    const view = found.value;
    return ok({
      agent: view.agent,
      credential: principal.credential,
      door: principal.door,
      scopes: [...principal.scopes],
      accounts: [...view.accounts],
      mandate: view.mandate === null ? null : { ...view.mandate },
      used: view.used.map(useWire),
      left: view.left.map(useWire),
      account_limits: view.accountLimits.map(({ account, limit, used, max, unit }) => ({
        account,
        limit,
        used,
        max,
        unit,
      })),
      trading_state: view.tradingState,
      state_reason: view.stateReason,
    });
  },
});
