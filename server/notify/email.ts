/** E-mail over SMTP: plain text, encrypted on the way to the server, with the message's id as its own. */
import nodemailer from 'nodemailer';
import { z } from 'zod';
import { NOTIFY_TIMEOUT_MS } from '#limits.ts';
import { isLoopbackHost } from './address.ts';
import { defineChannel, type Sent } from './channel.ts';
import { whyFailed } from './http-post.ts';
import { letterText } from './message.ts';

const SECURITIES = ['tls', 'starttls', 'none'] as const;

/** One address and nothing else: no name, no list, no line break. */
const address = z
  .string()
  .trim()
  .max(254)
  .regex(
    /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}$/,
    'must be one address, such as ann@example.com',
  );
const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})|\[?[0-9A-Fa-f:.]+\]?)$/;

const Target = z
  .strictObject({
    host: z.string().trim().max(253).regex(HOST, 'must be the name of a server, such as smtp.example.com'),
    port: z
      .string()
      .trim()
      .regex(/^\d{1,5}$/, 'must be a number')
      .refine((port) => Number(port) >= 1 && Number(port) <= 65_535, 'must be from 1 to 65535'),
    security: z.enum(SECURITIES, 'must be one of the three'),
    username: z.string().max(254).default(''),
    secret_password: z.string().max(1_000).default(''),
    from: address,
    to: address,
  })
  .refine(({ security, host }) => security !== 'none' || isLoopbackHost(host), {
    path: ['security'],
    message: 'may be without encryption on this machine alone',
  });
type Target = z.output<typeof Target>;

export const email = defineChannel({
  id: 'email',
  label: 'E-mail',
  words: 'Plain text through a mail server of yours.',
  fields: [
    { name: 'host', label: 'Server', hint: 'Such as smtp.example.com' },
    { name: 'port', label: 'Port', hint: 'Mostly 465 with TLS, 587 with STARTTLS' },
    {
      name: 'security',
      label: 'Encryption',
      choices: [
        ['tls', 'TLS from the start'],
        ['starttls', 'STARTTLS, and nothing without it'],
        ['none', 'None: a server on this machine'],
      ],
    },
    { name: 'username', label: 'User name', optional: true },
    { name: 'secret_password', label: 'Password', secret: true, optional: true },
    { name: 'from', label: 'From' },
    { name: 'to', label: 'To' },
  ],
  target: Target,
  mask: ({ to, host }) => `${to.slice(0, 1)}…@${to.slice(to.lastIndexOf('@') + 1)} through ${host}`,
  async send(target, { letter, signal }) {
    const transport = nodemailer.createTransport({
      ...connectionOf(target),
      connectionTimeout: NOTIFY_TIMEOUT_MS,
      greetingTimeout: NOTIFY_TIMEOUT_MS,
      socketTimeout: NOTIFY_TIMEOUT_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    const mail = {
      from: target.from,
      to: target.to,
      subject: letter.title,
      text: letterText(letter),
      messageId: `<${letter.id}@portcullis>`,
      date: new Date(letter.createdAtMs),
      // RFC 3834: nobody's holiday answers to it.
      headers: { 'Auto-Submitted': 'auto-generated' },
      priority: letter.urgent ? ('high' as const) : ('normal' as const),
      signal,
    };
    try {
      await transport.sendMail(mail);
      return { kind: 'sent' };
    } catch (cause) {
      return failed(cause, signal);
    } finally {
      transport.close();
    }
  },
});

const connectionOf = ({ host, port, security, username, secret_password }: Target) => ({
  host: host.replace(/^\[|\]$/g, ''),
  port: Number(port),
  secure: security === 'tls',
  requireTLS: security === 'starttls',
  ignoreTLS: security === 'none',
  ...(username === '' ? {} : { auth: { user: username, pass: secret_password } }),
});

const BY_CODE: Readonly<Record<string, string>> = {
  EAUTH: 'The mail server did not take the user name and password',
  ENOAUTH: 'The mail server did not take the user name and password',
  EENVELOPE: 'The mail server does not take a message from or for these addresses',
  EMESSAGE: 'The mail server did not take the message',
  ETLS: 'The way to the mail server could not be encrypted',
  EDNS: 'The name of the mail server could not be looked up',
  EPROTOCOL: 'What answered is not a mail server',
  ECONNECTION: 'The mail server closed the connection',
  ETIMEDOUT: 'The mail server did not answer in time',
};

/** By codes and numbers alone: what a mail server says names addresses. 5xx is its last word (RFC 5321, 4.2.1). */
function failed(cause: unknown, signal: AbortSignal): Sent {
  if (signal.aborted) return { kind: 'later', why: whyFailed(undefined, signal) };
  const of = (name: string): unknown => (cause instanceof Error ? Reflect.get(cause, name) : undefined);
  const [code, number] = [of('code'), of('responseCode')];
  const answered = typeof number === 'number' ? ` (${number})` : '';
  const known = typeof code === 'string' ? BY_CODE[code] : undefined;
  // Behind ESOCKET is the fault of the connection itself.
  const why = known === undefined ? whyFailed(of('originalCode'), signal) : `${known}${answered}.`;
  const isFinal = typeof number === 'number' && number >= 500;
  return { kind: isFinal ? 'never' : 'later', why };
}
