/** Child of a test: takes the engine lock of a folder, says how that went, and holds it until it is killed. */
import { takeEngineLock } from '#store/engine-lock.ts';

const lock = takeEngineLock(process.argv[2] ?? '', {
  pid: process.pid,
  command: 'portcullis serve',
  startedAtMs: Date.UTC(2026, 0, 5, 12),
});
process.stdout.write(`${JSON.stringify(lock.ok ? { pid: process.pid } : { refused: lock.error })}\n`);
if (lock.ok) setInterval(() => undefined, 1_000);
