/** Answers that are ready in the same turn leave together, and none is held back, lost or mixed up by it. */
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sendTogether } from '#http/send-together.ts';

let app: FastifyInstance;
let port = 0;
const replies: FastifyReply[] = [];
/** How many answers were on their way when each request was looked at. */
const sentBefore: number[] = [];
beforeEach(async () => {
  replies.length = 0;
  sentBefore.length = 0;
  app = Fastify();
  sendTogether(app);
  app.get('/words/:name', async (given, reply) => {
    const { name } = given.params as { name: string };
    sentBefore.push(replies.filter(({ raw }) => raw.writableEnded).length);
    replies.push(reply);
    if (name === 'bad') throw new Error('no');
    if (name === 'unsendable') void reply.header('x-unsendable', 'a line\nand another');
    return { name };
  });
  port = Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port);
});
afterEach(() => app.close());

const get = (name: string): Promise<string> =>
  new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path: `/words/${name}`, agent: false }, (response) => {
      let text = `${response.statusCode} `;
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => resolve(text));
    })
      .on('error', reject)
      .end();
  });

describe('answers', () => {
  test('of many callers are each to the one who asked, a failed one among them', async () => {
    const names = Array.from({ length: 40 }, (_none, n) => (n === 7 ? 'bad' : `w${n}`));
    const answers = await Promise.all(names.map(get));
    for (const [n, name] of names.entries())
      if (name === 'bad') expect(answers[n]).toMatch(/^500 /);
      else expect(answers[n]).toBe(`200 {"name":"${name}"}`);
  });

  test('that can not be sent end their own connections, and neither the process nor the others that are ready', async () => {
    const names = ['first', 'unsendable', 'second', 'unsendable', 'third'];
    const answers = await Promise.allSettled(names.map(get));
    for (const [n, name] of names.entries())
      if (name === 'unsendable') expect(answers[n]).toMatchObject({ status: 'rejected' });
      else expect(answers[n]).toMatchObject({ status: 'fulfilled', value: `200 {"name":"${name}"}` });
  });

  test('to requests that arrived in one turn leave when all of them have been looked at', async () => {
    const sockets = ['a', 'b', 'c'].map((name) => ({ name, socket: connect(port, '127.0.0.1') }));
    const ask = async ({ name, socket }: (typeof sockets)[number]): Promise<string> => {
      const heard = once(socket.setEncoding('utf8'), 'data');
      socket.write(`GET /words/${name} HTTP/1.1\r\nHost: x\r\n\r\n`);
      return String(await heard);
    };
    // Connected and accepted, so that what is written next is there to be read.
    await Promise.all(sockets.map(ask));
    sentBefore.length = 0;
    replies.length = 0;
    const answers = sockets.map(ask);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    for (const [n, { name, socket }] of sockets.entries()) {
      expect(await answers[n]).toContain(`{"name":"${name}"}`);
      socket.destroy();
    }
    expect(sentBefore).toEqual([0, 0, 0]);
  });

  test('to requests that arrive in one piece are in the order of the requests', async () => {
    const socket = connect(port, '127.0.0.1');
    const names = ['a', 'b', 'c'];
    socket.write(names.map((name) => `GET /words/${name} HTTP/1.1\r\nHost: x\r\n\r\n`).join(''));
    let text = '';
    for await (const part of socket.setEncoding('utf8')) {
      text += String(part);
      if (text.includes('"c"')) break;
    }
    expect([...text.matchAll(/"name":"(\w)"/g)].map(([, name]) => name)).toEqual(names);
  });

  test('of one whose caller hung up does not keep the others', async () => {
    const gone = connect(port, '127.0.0.1', () => {
      gone.end('GET /words/gone HTTP/1.1\r\nHost: x\r\n\r\n');
      gone.destroy();
    });
    expect(await get('here')).toBe('200 {"name":"here"}');
  });
});
