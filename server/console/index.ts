/** The pages of the console, in the order of the navigation, and the entrances for who has not signed in. */
import { account } from './account.ts';
import { accountAdding } from './account-adding.ts';
import { accountCredentials } from './account-credentials.ts';
import { accountRemoval } from './account-removal.ts';
import { accountReset } from './account-reset.ts';
import { accountSignIn } from './account-sign-in.ts';
import { accounts } from './accounts.ts';
import { agent } from './agent.ts';
import { agents } from './agents.ts';
import { approval } from './approval.ts';
import { approvals } from './approvals.ts';
import { audit } from './audit.ts';
import { auditLine } from './audit-line.ts';
import { cancelOrders } from './cancel-orders.ts';
import { closePosition } from './close-position.ts';
import { connect } from './connect.ts';
import { dashboard } from './dashboard.ts';
import type { Entrance, Page } from './define.ts';
import { gate } from './gate.ts';
import { instrument } from './instrument.ts';
import { login } from './login.ts';
import { mandate } from './mandate.ts';
import { market } from './market.ts';
import { notifications } from './notifications.ts';
import { order } from './order.ts';
import { orderEvidence } from './order-evidence.ts';
import { orders } from './orders.ts';
import { positions } from './positions.ts';
import { remoteMcp } from './remote-mcp.ts';
import { remoteMcpCalls } from './remote-mcp-calls.ts';
import { remoteMcpClient } from './remote-mcp-client.ts';
import { reset } from './reset.ts';
import { security } from './security.ts';
import { settings } from './settings.ts';
import { setup } from './setup.ts';
import { tape } from './tape.ts';
import { ticket } from './ticket.ts';
import { traffic } from './traffic.ts';
import { welcome } from './welcome.ts';

export const PAGES: readonly Page[] = [
  dashboard,
  approvals,
  approval,
  orders,
  order,
  orderEvidence,
  cancelOrders,
  positions,
  closePosition,
  market,
  instrument,
  ticket,
  agents,
  agent,
  mandate,
  connect,
  remoteMcp,
  remoteMcpClient,
  remoteMcpCalls,
  audit,
  auditLine,
  traffic,
  accounts,
  account,
  accountReset,
  accountCredentials,
  accountSignIn,
  accountRemoval,
  accountAdding,
  tape,
  settings,
  notifications,
  security,
  gate,
  welcome,
];

export const ENTRANCES: readonly Entrance[] = [setup, login, reset];
