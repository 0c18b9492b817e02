/** The ways to tell the owner, in the order they are offered. */
import type { Channel, ChannelId } from './channel.ts';
import { email } from './email.ts';
import { ntfy } from './ntfy.ts';
import { telegram } from './telegram.ts';
import { webhook } from './webhook.ts';

export const CHANNELS: readonly Channel[] = [ntfy, telegram, email, webhook];

/** Throws for one that is not in the list: the table takes no others. */
export function channelOf(id: ChannelId): Channel {
  const found = CHANNELS.find((one) => one.id === id);
  if (found === undefined) throw new Error(`no channel ${id}`);
  return found;
}
