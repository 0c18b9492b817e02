/** Every act that owner.sock carries out, from the commands that ask for them. */
import { signInUrl } from './account-acts.ts';
import { accounts } from './accounts.ts';
import type { OwnerAct } from './act.ts';
import { agents } from './agents.ts';
import { approvals } from './approvals.ts';
import { audit } from './audit.ts';
import { clients } from './clients.ts';
import { keys } from './keys.ts';
import { drillAct, kill } from './kill.ts';
import { limits } from './limits.ts';
import { mandates } from './mandates.ts';
import { instrumentAct, market } from './market.ts';
import { orders } from './orders.ts';
import { proofAsked } from './owner-proof.ts';
import { password } from './password.ts';
import { resume } from './resume.ts';
import { setup } from './setup.ts';
import { setupLink } from './setup-link.ts';

const COMMANDS = [
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

export const ACTS: readonly OwnerAct[] = [
  proofAsked,
  drillAct,
  signInUrl,
  instrumentAct,
  ...COMMANDS.flatMap(({ verbs }) => Object.values(verbs).flatMap(({ act }) => (act ? [act] : []))),
];
