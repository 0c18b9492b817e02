/** The port of the HTTP surface: whether it is free before anything is touched, and listening on it at the end. */
import { createServer } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Config } from '#config.ts';
import { StartError } from './start-error.ts';

/** Asked first, so that a start which can not listen changes nothing. Throws StartError. */
export async function demandFreePort({ HOST: host, PORT: port }: Config): Promise<void> {
  if (port === 0) return;
  const probe = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      probe.once('error', reject);
      probe.listen({ host, port, exclusive: true }, resolve);
    });
  } catch (cause) {
    throw cannotListen(host, port, cause);
  }
  await new Promise<void>((resolve) => {
    probe.close(() => resolve());
  });
}

function cannotListen(host: string, port: number, cause: unknown): StartError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const why = code === 'EADDRINUSE' ? 'something else listens there; set PORT to another one' : message;
  return new StartError(`The gateway can not listen on ${host}:${port}: ${why}.`);
}

/** Gives back the address; throws StartError. */
export async function listen(app: FastifyInstance, { HOST: host, PORT: port }: Config): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (cause) {
    throw cannotListen(host, port, cause);
  }
}
