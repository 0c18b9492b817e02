/** ntfy: a topic on ntfy.sh or a server of one's own, published as JSON, so that no word of a message is ever in a header. */
import { z } from 'zod';
import { httpsUrl } from './address.ts';
import { defineChannel } from './channel.ts';
import { post, sentBy } from './http-post.ts';
import { letterText } from './message.ts';

export const ntfy = defineChannel({
  id: 'ntfy',
  label: 'ntfy',
  words:
    'A push message to the app of ntfy. Whoever knows the topic can read it, so choose one that nobody guesses, or a server with a token.',
  fields: [
    { name: 'server', label: 'Server', hint: 'https://ntfy.sh or your own' },
    { name: 'secret_topic', label: 'Topic', secret: true },
    { name: 'secret_token', label: 'Access token', secret: true, optional: true },
  ],
  target: z.strictObject({
    server: httpsUrl.refine(
      (text) => !URL.canParse(text) || new URL(text).search === '',
      'must have nothing behind a question mark',
    ),
    secret_topic: z
      .string()
      .trim()
      .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, "_" and "-"'),
    secret_token: z
      .string()
      .trim()
      .regex(/^[A-Za-z0-9_.~+/=-]{0,200}$/, 'must be a token of ntfy')
      .default(''),
  }),
  mask: ({ server, secret_topic }) => `${secret_topic.slice(0, 2)}… on ${new URL(server).host}`,
  async send({ server, secret_topic, secret_token }, { letter, signal }) {
    const { title, url, urgent } = letter;
    const body = JSON.stringify({
      topic: secret_topic,
      title,
      message: letterText({ ...letter, url: null }),
      priority: urgent ? 4 : 3,
      ...(url === null ? {} : { click: url }),
    });
    const headers = secret_token === '' ? {} : { authorization: `Bearer ${secret_token}` };
    return sentBy(await post({ url: new URL(server), headers, body, signal }), 'final');
  },
});
