/** `portcullis demo`: the whole gateway at work in half a minute, told as it happens. */
import { resolve } from 'node:path';
import { DEMO_DEADLINE_MS } from '#limits.ts';
import type { Clock } from '#ports.ts';
import { CommandError, defineCommand } from './command.ts';
import { DemoError, type Stage, setStage } from './demo/stage.ts';
import { tell } from './demo/story.ts';
import { tellerTo } from './demo/teller.ts';
import { sentenceOf } from './start-error.ts';

/** Fast enough for a story, slow enough for a person to follow and for a slow machine to keep up. */
const BAR_SECONDS = '0.7';

export const demo = defineCommand({
  name: 'demo',
  summary: 'See it work: two agents, recorded prices, the kill switch, the record; half a minute.',
  verbs: {
    '': {
      summary: 'Runs a gateway on a temporary folder, lets agents trade on it, and tells the story.',
      options: {
        tape: { type: 'string', value: 'FILE', about: 'recorded prices to play instead of the sample' },
        symbol: { type: 'string', value: 'SYMBOL', about: 'what the file is the tape of, such as SPY' },
        'bar-seconds': { type: 'string', value: 'N', about: `seconds a bar takes (${BAR_SECONDS})` },
      },
      async run(invocation) {
        const { clock, terminal } = invocation;
        const startedMs = clock.monotonicMs();
        const tape = invocation.text('tape');
        const play = {
          tape: tape === undefined ? 'sample' : resolve(tape),
          symbol: invocation.text('symbol') ?? '',
          barSeconds: invocation.text('bar-seconds') ?? BAR_SECONDS,
        };
        const stage = await setStage(play, clock);
        try {
          await Promise.race([tell(stage, tellerTo(terminal)), interrupted(), late(clock)]);
        } catch (cause) {
          throw failure(cause);
        } finally {
          await settle(stage);
        }
        const seconds = ((clock.monotonicMs() - startedMs) / 1_000).toFixed(1);
        terminal.say('');
        terminal.say(`That took ${seconds} s. Start your own: npm start`);
        return 0;
      },
    },
  },
});

const settle = (stage: Stage): Promise<void> => stage.close();

/** Ctrl-C ends the story, and the stage is cleared all the same. */
const interrupted = (): Promise<never> =>
  new Promise((_resolve, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.once(signal, () => reject(new DemoError('Interrupted.')));
  });

const late = (clock: Clock): Promise<never> =>
  new Promise((_resolve, reject) => {
    clock.after(DEMO_DEADLINE_MS, () =>
      reject(new DemoError(`The story was not told within ${DEMO_DEADLINE_MS / 1_000} s.`)),
    );
  });

/** An answer that does not have the promised shape ends the story like a step that failed. */
function failure(cause: unknown): Error {
  if (cause instanceof CommandError || sentenceOf(cause) !== undefined) return cause as Error;
  return new CommandError(
    `The demo did not go as told: ${cause instanceof Error ? cause.message : String(cause)}`,
  );
}
