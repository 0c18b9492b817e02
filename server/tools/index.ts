/** The tools, in the order in which they are listed: one line each. */
import type { Tool } from './define.ts';
import { getQuotes } from './get-quotes.ts';
import { placeOrder } from './place-order.ts';

export const TOOLS: readonly Tool[] = [getQuotes, placeOrder];
