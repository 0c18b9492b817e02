/** The folder of the clone: relative settings resolve against it, because hosts start us anywhere. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

export const PROJECT_FOLDER: string = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
