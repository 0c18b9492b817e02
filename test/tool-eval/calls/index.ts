// The tables of calls, by what is wrong with them.
import type { Entry } from '../entry.ts';
import { COMMITS } from './commits.ts';
import { ENUMS } from './enums.ts';
import { FIELDS } from './fields.ts';
import { MANDATES } from './mandates.ts';
import { NUMBERS } from './numbers.ts';
import { ORDERS } from './orders.ts';
import { SHAPES } from './shapes.ts';
import { SYMBOLS } from './symbols.ts';
import { TIMES } from './times.ts';
import { TOOL_NAMES } from './tools.ts';

export const CALLS: readonly { readonly theme: string; readonly entries: readonly Entry[] }[] = [
  { theme: 'words of enums', entries: ENUMS },
  { theme: 'names of fields', entries: FIELDS },
  { theme: 'amounts', entries: NUMBERS },
  { theme: 'symbols', entries: SYMBOLS },
  { theme: 'times', entries: TIMES },
  { theme: 'the shape of the arguments', entries: SHAPES },
  { theme: 'orders that do not add up', entries: ORDERS },
  { theme: 'from preview to commit', entries: COMMITS },
  { theme: 'an agent at its own mandate', entries: MANDATES },
  { theme: 'names of tools', entries: TOOL_NAMES },
];
