/** Every figure, in the order in which they are measured. */

import { assessing } from './assess.ts';
import { audit } from './audit.ts';
import { broker, feed } from './broker.ts';
import { consolePages } from './console.ts';
import { doors, naive } from './doors.ts';
import type { Figure } from './figure.ts';
import { footprint } from './footprint.ts';
import { history } from './history.ts';
import { instruments } from './instruments.ts';
import { killing } from './kill.ts';
import { orderLine } from './order-line.ts';
import { remote } from './remote.ts';
import { start } from './start.ts';
import { underLoad } from './under-load.ts';

export const FIGURES: readonly Figure[] = [
  footprint,
  doors,
  naive,
  assessing,
  orderLine,
  history,
  killing,
  broker,
  feed,
  instruments,
  start,
  underLoad,
  audit,
  consolePages,
  remote,
];
