/** Child of a test, run under a limit on file sizes: commits until the kernel refuses a write, and says what that looked like. */
import { openStore, StoreUnavailable } from '#store/open.ts';

// By default the kernel ends a process that writes beyond its limit; with a listener the write fails instead.
process.on('SIGXFSZ', () => undefined);

const store = openStore(process.argv[2] ?? '');
store.transaction(() => store.db.exec('CREATE TABLE notes (text TEXT NOT NULL) STRICT'));
const insert = store.db.prepare('INSERT INTO notes (text) VALUES (?)');
let count = 0;
try {
  for (;;) {
    store.transaction(() => insert.run('x'.repeat(20_000)));
    count++;
  }
} catch (cause) {
  const unavailable = cause instanceof StoreUnavailable;
  process.stdout.write(
    `${JSON.stringify({ unavailable, code: unavailable ? cause.code : String(cause) })}\n`,
  );
}
process.stdout.write(`${JSON.stringify({ count })}\n`);
process.stdout.write(`${JSON.stringify({ still_open: store.inTransaction() })}\n`);
