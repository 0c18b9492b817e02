/** The command line: `portcullis COMMAND`. */
import { COMMANDS } from '#cli/index.ts';
import { run } from '#cli/run.ts';

// `portcullis audit tail | head` ends the reader first.
process.stdout.on('error', () => process.exit(0));
process.exitCode = await run(COMMANDS, process.argv.slice(2));
