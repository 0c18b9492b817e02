/** Every act that owner.sock carries out, from the commands that ask for them. */
import { accounts } from './accounts.ts';
import type { OwnerAct } from './act.ts';
import { agents } from './agents.ts';
import { audit } from './audit.ts';
import { keys } from './keys.ts';
import { kill } from './kill.ts';
import { mandates } from './mandates.ts';
import { resume } from './resume.ts';

export const ACTS: readonly OwnerAct[] = [agents, keys, mandates, accounts, kill, resume, audit].flatMap(
  (command) => command.acts ?? [],
);
