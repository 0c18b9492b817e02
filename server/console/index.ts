/** The pages of the console, in the order of the navigation, and the entrances for who has not signed in. */
import { agent } from './agent.ts';
import { agents } from './agents.ts';
import { connect } from './connect.ts';
import { dashboard } from './dashboard.ts';
import type { Entrance, Page } from './define.ts';
import { login } from './login.ts';
import { mandate } from './mandate.ts';

export const PAGES: readonly Page[] = [dashboard, agents, agent, mandate, connect];

export const ENTRANCES: readonly Entrance[] = [login];
