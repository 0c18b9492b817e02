/** Looks at tapes beside the one that plays: each in a thread of its own, one at a time, bounded in time. */
import { basename } from 'node:path';
import { err, type Result } from '#domain/result.ts';
import { TAPE_LOOK_TIMEOUT_MS } from '#limits.ts';
import type { Clock } from '#ports.ts';
import { inThread, type Thread, ThreadEnded } from '#thread.ts';
import type { TapeAsked, TapeFacts } from './tape-facts.ts';

type Looked = Result<TapeFacts, string>;

export interface TapeLooks {
  /** What is wrong with the tape, or why it was not read, in one whole sentence. */
  look(asked: TapeAsked): Promise<Looked>;
  /** Ends the look that is under way, whose caller has its answer at once, and takes no further one. */
  close(): Promise<void>;
}

export function openTapeLooks(clock: Clock): TapeLooks {
  let under: Thread<Looked> | undefined;
  let closed = false;
  return {
    async look(asked) {
      const unread = (why: string): Looked =>
        err(`The tape ${basename(asked.file)} was not read, because ${why}.`);
      if (closed) return unread(STOPPING);
      if (under !== undefined) return unread('another one is being read: try again in a moment');
      const thread = inThread<Looked>({
        module: new URL('./tape-thread.ts', import.meta.url),
        data: asked,
        timeoutMs: TAPE_LOOK_TIMEOUT_MS,
        clock,
      });
      under = thread;
      // Whoever has given up on a disk that hangs does not leave the next one a thread more.
      void thread.gone.then(() => {
        under = undefined;
      });
      try {
        const looked = await thread.message;
        await thread.gone;
        return looked;
      } catch (cause) {
        return unread(whyUnread(cause));
      }
    },
    async close() {
      closed = true;
      under?.end();
      await under?.gone;
    },
  };
}

const STOPPING = 'the gateway is stopping';

/** Throws what is a bug. */
function whyUnread(cause: unknown): string {
  if (cause instanceof ThreadEnded)
    return cause.why === 'late' ? `that took longer than ${TAPE_LOOK_TIMEOUT_MS / 1_000} seconds` : STOPPING;
  if ((cause as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY')
    return 'it takes more memory than there is';
  throw cause;
}
