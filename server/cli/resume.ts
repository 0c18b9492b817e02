/** `portcullis resume`: raises the gate again; agents that were halted by themselves or by name stay halted. */
import { z } from 'zod';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { ownerAct } from './act.ts';
import { ask } from './ask.ts';
import { defineCommand, JSON_OPTION } from './command.ts';
import { raiseGate } from './kill-file.ts';
import type { Office } from './office.ts';
import { printObject } from './print.ts';

const act = ownerAct({
  name: 'resume',
  widens: true,
  input: z.strictObject({}),
  work(office) {
    const { config, engine } = office;
    const raised = raiseGate(config.DATA_DIR, () =>
      engine ? engine.trading.resume('cli') : resumeAlone(office),
    );
    return raised.ok ? ok({ trading_state: raised.value.tradingState }) : raised;
  },
});

function resumeAlone({ access, audit, store }: Office): Result<{ readonly tradingState: 'ACTIVE' }, Refusal> {
  if (access.gatewayState() === 'ACTIVE')
    return err(refuse('invalid_input', 'The gate is not down; there is nothing to resume.'));
  store.transaction(() => {
    access.setGatewayState('ACTIVE', 'resumed (cli)');
    audit.record({
      kind: 'resume',
      credential: 'owner',
      door: 'cli',
      outcome: 'ok',
      detail: { by: 'cli' },
    });
  });
  return ok({ tradingState: 'ACTIVE' });
}

export const resume = defineCommand({
  name: 'resume',
  summary: 'Raise the gate after a kill.',
  verbs: {
    '': {
      summary:
        'Lets keys and stdio in again and trading go on; an agent that was halted stays so (agents lift).',
      options: JSON_OPTION,
      act,
      async run(invocation) {
        printObject(invocation, await ask(invocation, act, {}));
        return 0;
      },
    },
  },
});
