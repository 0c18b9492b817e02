/** Every figure, in the order in which they are measured. */

import { audit } from './audit.ts';
import { consolePages } from './console.ts';
import { doors, naive } from './doors.ts';
import type { Figure } from './figure.ts';
import { footprint } from './footprint.ts';
import { orderLine } from './order-line.ts';
import { underLoad } from './under-load.ts';

export const FIGURES: readonly Figure[] = [
  footprint,
  doors,
  naive,
  orderLine,
  underLoad,
  audit,
  consolePages,
];
