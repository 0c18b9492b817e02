/** Telegram: a bot of the owner's writes to one chat, as plain text that no word in it can format. */
import { z } from 'zod';
import { isLoopbackHost } from './address.ts';
import { defineChannel } from './channel.ts';
import { post, sentBy } from './http-post.ts';
import { letterText } from './message.ts';

const API = 'https://api.telegram.org';

export const telegram = defineChannel({
  id: 'telegram',
  label: 'Telegram',
  words:
    'A message from a bot of yours. Make one with @BotFather, write to it once, and enter your chat with it.',
  fields: [
    { name: 'secret_token', label: 'Token of the bot', secret: true },
    { name: 'chat', label: 'Chat', hint: 'A number, or @name of a channel' },
  ],
  target: z.strictObject({
    secret_token: z
      .string()
      .trim()
      .regex(/^\d{1,20}:[A-Za-z0-9_-]{20,100}$/, 'must be a token as @BotFather gives it'),
    chat: z
      .string()
      .trim()
      .regex(/^(?:-?\d{1,20}|@[A-Za-z0-9_]{4,40})$/, 'must be a number, or @ and a name'),
    /** Of a stand-in on this machine; no form has it. */
    api: z
      .url()
      .refine((text) => text === API || isLoopbackHost(new URL(text).hostname))
      .default(API),
  }),
  mask: ({ chat }) => `chat …${chat.slice(-3)}`,
  async send({ secret_token, chat, api }, { letter, signal }) {
    const body = JSON.stringify({
      chat_id: chat,
      text: `${letter.title}\n\n${letterText(letter)}`,
      link_preview_options: { is_disabled: true },
      disable_notification: !letter.urgent,
    });
    const url = new URL(`${api}/bot${secret_token}/sendMessage`);
    return sentBy(await post({ url, body, signal }), 'final');
  },
});
