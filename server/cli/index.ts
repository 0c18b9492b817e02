/** The commands, in the order in which the help lists them: one line each. */
import type { Command } from './command.ts';
import { serve } from './serve.ts';
import { stdio } from './stdio.ts';

export const COMMANDS: readonly Command[] = [serve, stdio];
