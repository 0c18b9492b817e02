/** `portcullis serve`: runs the gateway until it is told to stop; takes over from a local engine that `stdio` had started. */
import { z } from 'zod';
import { openGateway } from '#compose.ts';
import type { Config } from '#config.ts';
import { refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { ENGINE_POLL_MS, ENGINE_WAIT_MS } from '#limits.ts';
import type { Clock } from '#ports.ts';
import { type EngineLock, takeEngineLock } from '#store/engine-lock.ts';
import { type OwnerAct, ownerAct } from './act.ts';
import { ACTS } from './acts.ts';
import { banner } from './banner.ts';
import { defineCommand, type Invocation } from './command.ts';
import { whenIdle } from './idle.ts';
import { dialOwner, pause, send } from './reach.ts';

const HAND_OVER = 'engine.hand-over';

export const serve = defineCommand({
  name: 'serve',
  summary: 'Run the gateway.',
  verbs: {
    '': {
      summary: 'Runs the gateway until it is interrupted.',
      options: {
        local: {
          type: 'boolean',
          about: 'the sockets alone, ending when nobody needs it (what stdio starts)',
        },
      },
      async run(invocation) {
        const ending = untilSignal();
        try {
          await untilEnded(invocation, ending);
        } finally {
          ending.end();
        }
        return 0;
      },
    },
  },
});

async function untilEnded(invocation: Invocation, ending: Ending): Promise<void> {
  const { clock, terminal } = invocation;
  const config = invocation.config();
  const local = invocation.flag('local');
  const gateway = await openGateway(config, {
    clock,
    http: !local,
    command: local ? 'serve --local' : 'serve',
    acts: [...ACTS, handOver(local, () => ending.end())],
    lock: (folder) => lockOrTakeOver({ config, clock, folder, local }),
  });
  try {
    await gateway.start();
    if (local) whenIdle(gateway, clock, () => ending.end());
    else terminal.say(banner(gateway, { onTerminal: terminal.isTty }));
    await ending.ended;
  } finally {
    await gateway.stop();
  }
}

interface Ending {
  readonly ended: Promise<void>;
  end(): void;
}

/** The first signal asks for an orderly end; a second one does not wait for it. */
function untilSignal(): Ending {
  const { promise, resolve } = Promise.withResolvers<void>();
  // Nothing else keeps a process without HTTP alive between two timers.
  const stay = setInterval(() => undefined, 60_000);
  let asked = false;
  const end = (): void => {
    clearInterval(stay);
    resolve();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (asked) process.exit(1);
      asked = true;
      end();
    });
  }
  return { ended: promise, end };
}

/** A local engine gives way to a real one; a real one to nobody. */
function handOver(local: boolean, stop: () => void): OwnerAct {
  return ownerAct({
    name: HAND_OVER,
    input: z.strictObject({}),
    work(office) {
      if (!local) return err(refuse('invalid_input', 'A gateway runs already; stop it first.'));
      // After the answer has gone out.
      office.clock.after(0, stop);
      return ok({});
    },
  });
}

async function lockOrTakeOver(o: {
  readonly config: Config;
  readonly clock: Clock;
  readonly folder: string;
  readonly local: boolean;
}): Promise<Result<EngineLock, string>> {
  const { config, clock, folder, local } = o;
  const holder = {
    pid: process.pid,
    command: local ? 'serve --local' : 'serve',
    startedAtMs: clock.wallMs(),
  };
  const deadlineMs = clock.monotonicMs() + ENGINE_WAIT_MS;
  let handed = false;
  for (;;) {
    const lock = takeEngineLock(folder, holder);
    if (lock.ok || local || clock.monotonicMs() > deadlineMs) return lock;
    if (!handed) {
      const dialed = await dialOwner(config, clock);
      if (dialed.kind === 'hung') return lock;
      if (dialed.kind === 'engine') {
        const answer = await send(dialed.socket, clock, { act: HAND_OVER, input: {} });
        if (!answer.ok) return lock;
        handed = true;
      }
    }
    await pause(clock, ENGINE_POLL_MS);
  }
}
