// Writes .env.example from the declaration in server/config.ts; a test compares the two.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { envExample, PROJECT_FOLDER } from '#config.ts';

writeFileSync(join(PROJECT_FOLDER, '.env.example'), envExample());
