// The tables of calls, by what is wrong with them.
import type { Entry } from '../entry.ts';
import { ENUMS } from './enums.ts';
import { FIELDS } from './fields.ts';

export const CALLS: readonly { readonly theme: string; readonly entries: readonly Entry[] }[] = [
  { theme: 'words of enums', entries: ENUMS },
  { theme: 'names of fields', entries: FIELDS },
];
