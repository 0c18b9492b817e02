/** The command line: `portcullis COMMAND`. */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// Halves the start of every command. In our own folder and not in the shared temporary one, where others could put code.
enableCompileCache(join(import.meta.dirname, '..', 'node_modules', '.cache', 'portcullis'));
const { COMMANDS } = await import('#cli/index.ts');
const { run } = await import('#cli/run.ts');

// `portcullis audit tail | head` ends the reader first.
process.stdout.on('error', () => process.exit(0));
process.exitCode = await run(COMMANDS, process.argv.slice(2));
