/** Every figure, in the order in which they are measured. */
import { doors, naive } from './doors.ts';
import type { Figure } from './figure.ts';
import { footprint } from './footprint.ts';

export const FIGURES: readonly Figure[] = [footprint, doors, naive];
