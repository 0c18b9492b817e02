/** The pages of the console, in the order of the navigation, and the entrances for who has not signed in. */
import { dashboard } from './dashboard.ts';
import type { Entrance, Page } from './define.ts';
import { login } from './login.ts';

export const PAGES: readonly Page[] = [dashboard];

export const ENTRANCES: readonly Entrance[] = [login];
