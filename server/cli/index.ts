/** The commands, in the order in which the help lists them: one line each. */
import { accounts } from './accounts.ts';
import { agents } from './agents.ts';
import { approvals } from './approvals.ts';
import { audit } from './audit.ts';
import { clients } from './clients.ts';
import type { Command } from './command.ts';
import { demo } from './demo.ts';
import { keys } from './keys.ts';
import { kill } from './kill.ts';
import { limits } from './limits.ts';
import { mandates } from './mandates.ts';
import { market } from './market.ts';
import { orders } from './orders.ts';
import { password } from './password.ts';
import { resume } from './resume.ts';
import { serve } from './serve.ts';
import { setup } from './setup.ts';
import { setupLink } from './setup-link.ts';
import { stdio } from './stdio.ts';

export const COMMANDS: readonly Command[] = [
  serve,
  stdio,
  demo,
  setup,
  setupLink,
  password,
  agents,
  keys,
  mandates,
  accounts,
  orders,
  limits,
  market,
  approvals,
  clients,
  kill,
  resume,
  audit,
];
