/** Asks a person in a terminal for what nobody should read over the shoulder: nothing of the answer is shown. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { isatty } from 'node:tty';

/** Both ends must be a person's: a question into a file would wait for ever. */
export const canAsk = (): boolean => isatty(process.stdin.fd) && isatty(process.stderr.fd);

/**
 * The question goes to standard error, so that what a command prints can be piped on. Undefined when it was interrupted (Ctrl-C, Ctrl-D).
 * The terminal is as it was before, whatever ends it: Node puts it back when a signal ends the process.
 */
export function askHidden(question: string): Promise<string | undefined> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  // Before the question is shown: what is typed from then on is not echoed.
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true, historySize: 0 });
  process.stderr.write(question);
  return new Promise((resolve) => {
    let answer: string | undefined;
    lines.once('line', (line) => {
      answer = line;
      lines.close();
    });
    lines.once('SIGINT', () => lines.close());
    lines.once('close', () => {
      process.stderr.write('\n');
      resolve(answer);
    });
  });
}
