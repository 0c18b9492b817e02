/** Every act that owner.sock carries out, from the commands that ask for them. */
import type { OwnerAct } from './act.ts';

export const ACTS: readonly OwnerAct[] = [];
