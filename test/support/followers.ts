/** Real clients that follow resources in each era's own way, and what they have heard. */
import type { Duplex } from 'node:stream';
import type { Client, McpSubscription } from '@modelcontextprotocol/client';
import type { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import {
  PromptListChangedNotificationSchema,
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { currentClient, currentClientOver, olderClient, olderClientOver } from './mcp-clients.ts';

export const KINDS = ['modern', 'legacy', 'older'] as const;
export type Kind = (typeof KINDS)[number];

export interface Follower {
  /** Addresses as they were told, and names of lists, in order; taking them empties it. */
  take(): readonly string[];
  /** Resolves with the addresses that the server agreed to. */
  follow(...uris: readonly string[]): Promise<readonly string[]>;
  unfollow(uri: string): Promise<void>;
  /** How the modern era's stream ended, once it has. */
  ended(): string | undefined;
  readonly client: Client | OldClient;
  close(): Promise<void>;
}

const EVERY_LIST = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };

function currentFollower(client: Client, modern: boolean): Follower {
  const heard: string[] = [];
  client.setNotificationHandler(
    'notifications/resources/updated',
    ({ params }) => void heard.push(params.uri),
  );
  client.setNotificationHandler('notifications/tools/list_changed', () => void heard.push('tools'));
  client.setNotificationHandler('notifications/prompts/list_changed', () => void heard.push('prompts'));
  client.setNotificationHandler('notifications/resources/list_changed', () => void heard.push('resources'));
  let subscription: McpSubscription | undefined;
  let ended: string | undefined;
  return {
    client,
    take: () => heard.splice(0),
    ended: () => ended,
    async follow(...uris) {
      if (!modern) return subscribeEach(client, uris);
      const opened = await client.listen({ ...EVERY_LIST, resourceSubscriptions: [...uris] });
      subscription = opened;
      void opened.closed.then((how) => {
        ended = how;
      });
      return opened.honoredFilter.resourceSubscriptions ?? [];
    },
    async unfollow(uri) {
      if (modern) await subscription?.close();
      else await client.unsubscribeResource({ uri });
    },
    close: () => client.close(),
  };
}

async function subscribeEach(
  client: Client | OldClient,
  uris: readonly string[],
): Promise<readonly string[]> {
  const agreed: string[] = [];
  for (const uri of uris) {
    const subscribed = await client.subscribeResource({ uri }).then(
      () => true,
      () => false,
    );
    if (subscribed) agreed.push(uri);
  }
  return agreed;
}

function olderFollower(client: OldClient): Follower {
  const heard: string[] = [];
  client.setNotificationHandler(
    ResourceUpdatedNotificationSchema,
    ({ params }) => void heard.push(params.uri),
  );
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => void heard.push('tools'));
  client.setNotificationHandler(PromptListChangedNotificationSchema, () => void heard.push('prompts'));
  client.setNotificationHandler(ResourceListChangedNotificationSchema, () => void heard.push('resources'));
  return {
    client,
    take: () => heard.splice(0),
    ended: () => undefined,
    follow: (...uris) => subscribeEach(client, uris),
    unfollow: async (uri) => void (await client.unsubscribeResource({ uri })),
    close: () => client.close(),
  };
}

export async function followerOf(kind: Kind, url: string, key: string): Promise<Follower> {
  if (kind === 'older') return olderFollower(await olderClient(url, key));
  return currentFollower(
    await currentClient(url, key, kind === 'modern' ? 'auto' : 'legacy'),
    kind === 'modern',
  );
}

export async function followerOver(kind: Kind, stream: Duplex): Promise<Follower> {
  if (kind === 'older') return olderFollower(await olderClientOver(stream));
  return currentFollower(
    await currentClientOver(stream, kind === 'modern' ? 'auto' : 'legacy'),
    kind === 'modern',
  );
}
