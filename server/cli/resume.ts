/** `portcullis resume`: raises the gate again; agents that were halted by themselves or by name stay halted. */
import { z } from 'zod';
import { refuse } from '#domain/refusal.ts';
import { err, ok } from '#domain/result.ts';
import { ownerAct } from './act.ts';
import { defineCommand, JSON_OPTION } from './command.ts';
import { removeKillFile } from './kill-file.ts';
import { printObject } from './print.ts';
import { ask } from './reach.ts';

const act = ownerAct({
  name: 'resume',
  input: z.strictObject({}),
  work(office) {
    const { access, audit, store, config, engine } = office;
    // First, because the next look at it would drop the gate again.
    removeKillFile(config.DATA_DIR);
    if (engine) {
      const resumed = engine.trading.resume('cli');
      return resumed.ok ? ok({ trading_state: resumed.value.tradingState }) : resumed;
    }
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
    return ok({ trading_state: 'ACTIVE' });
  },
});

export const resume = defineCommand({
  name: 'resume',
  summary: 'Raise the gate after a kill.',
  acts: [act],
  verbs: {
    '': {
      summary:
        'Lets keys and stdio in again and trading go on; an agent that was halted stays so (agents lift).',
      options: JSON_OPTION,
      async run(invocation) {
        printObject(invocation, await ask(invocation, act, {}));
        return 0;
      },
    },
  },
});
