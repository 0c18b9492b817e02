// Writes what the documents take from the code: the answers to the examples, docs/tools.md, docs/refusals.md and, after the suite that
// every broker's adapter passes, docs/brokers.md; tests compare.

import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BROKERS } from '#brokers/index.ts';
import { PROJECT_FOLDER } from '#cli/project-folder.ts';
import { TOOLS } from '#tools/index.ts';
import { recordedResults } from '../test/brokers/conformance/results.ts';
import { exampleAnswers } from '../test/support/example-scene.ts';
import { brokersPage } from './brokers-page.ts';
import { refusalsPage } from './refusals-page.ts';
import { toolsPage } from './tools-page.ts';

const write = (path: string, text: string): void => writeFileSync(join(PROJECT_FOLDER, path), text);

const told = await exampleAnswers();
write('server/tools/examples.generated.json', `${JSON.stringify(told, null, 1)}\n`);
write('docs/tools.md', toolsPage(TOOLS, told));
write('docs/refusals.md', refusalsPage());

/** What one of them does not pass ends it here, and nothing of it is written. */
function recordConformance(): void {
  const suites = readdirSync(join(PROJECT_FOLDER, 'test/brokers'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('conformance.test.ts'))
    .map((path) => `test/brokers/${path}`);
  execFileSync('vitest', ['run', ...suites], {
    cwd: PROJECT_FOLDER,
    stdio: 'inherit',
    env: { ...process.env, CONFORMANCE_RECORD: '1' },
  });
}

recordConformance();
write('docs/brokers.md', brokersPage(BROKERS, recordedResults()));
