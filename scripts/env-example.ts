// Writes .env.example from the declaration in server/config.ts; a test compares the two.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_FOLDER } from '#cli/project-folder.ts';
import { envExample } from '#config.ts';

writeFileSync(join(PROJECT_FOLDER, '.env.example'), envExample());
