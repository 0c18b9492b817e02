/** The ways to tell the owner, in the order they are offered. */
import type { Channel, ChannelId } from './channel.ts';
import { webhook } from './webhook.ts';

export const CHANNELS: readonly Channel[] = [webhook];

/** Throws for one that is not in the list: the table takes no others. */
export function channelOf(id: ChannelId): Channel {
  const found = CHANNELS.find((one) => one.id === id);
  if (found === undefined) throw new Error(`no channel ${id}`);
  return found;
}
