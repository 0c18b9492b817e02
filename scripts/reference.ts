// Writes what the documents take from the code: the answers to the examples, docs/tools.md and docs/refusals.md; tests compare.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_FOLDER } from '#cli/project-folder.ts';
import { TOOLS } from '#tools/index.ts';
import { exampleAnswers } from '../test/support/example-scene.ts';
import { refusalsPage } from './refusals-page.ts';
import { toolsPage } from './tools-page.ts';

const write = (path: string, text: string): void => writeFileSync(join(PROJECT_FOLDER, path), text);

const told = await exampleAnswers();
write('server/tools/examples.generated.json', `${JSON.stringify(told, null, 1)}\n`);
write('docs/tools.md', toolsPage(TOOLS, told));
write('docs/refusals.md', refusalsPage());
