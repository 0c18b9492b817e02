/** A webhook as Standard Webhooks has it: an id, a time and a signature of both and the body, which the receiver checks. */
import { createHmac, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { httpsUrl } from './address.ts';
import { defineChannel } from './channel.ts';
import { post, sentBy } from './http-post.ts';
import type { Letter } from './message.ts';

const SECRET_PREFIX = 'whsec_';
const newSecret = (): string => SECRET_PREFIX + randomBytes(32).toString('base64');

export const webhook = defineChannel({
  id: 'webhook',
  label: 'Webhook',
  words: 'JSON to an address of yours, signed as Standard Webhooks has it.',
  fields: [
    {
      name: 'secret_url',
      label: 'Address',
      hint: 'Begins with https://. Whoever knows it can write to it, so it is not shown again.',
      secret: true,
    },
  ],
  target: z.strictObject({
    secret_url: httpsUrl,
    signing_secret: z
      .string()
      .regex(/^whsec_[A-Za-z0-9+/]{43}=$/)
      .default(newSecret),
  }),
  mask: ({ secret_url }) => `${new URL(secret_url).host}/…`,
  reveal: ({ signing_secret }) => signing_secret,
  async send({ secret_url, signing_secret }, { letter, wallMs, signal }) {
    const body = JSON.stringify(payload(letter));
    const timestamp = String(Math.floor(wallMs / 1_000));
    const headers = {
      'webhook-id': letter.id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signature(signing_secret, `${letter.id}.${timestamp}.${body}`)}`,
    };
    return sentBy(await post({ url: new URL(secret_url), headers, body, signal }), 'passing');
  },
});

const payload = (letter: Letter) => ({
  type: letter.kind,
  timestamp: new Date(letter.createdAtMs).toISOString(),
  data: {
    id: letter.id,
    urgent: letter.urgent,
    subject: letter.subject,
    title: letter.title,
    text: letter.body,
    url: letter.url,
  },
});

const signature = (secret: string, content: string): string =>
  createHmac('sha256', Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64'))
    .update(content)
    .digest('base64');
