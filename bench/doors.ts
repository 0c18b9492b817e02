/** How fast get_quotes is answered through each door, with everything on, as a part of what bare Fastify does. */
import { echoOf, legacyCall, modernCall, restCall } from './calls.ts';
import { defineFigure, type Measured } from './figure.ts';
import { makeKey, serveGateway } from './gateway.ts';
import { type Call, compare } from './load.ts';
import { start } from './process.ts';

export const doors = defineFigure({
  name: 'doors',
  about: 'get_quotes with a key, limits and audit on, 16 connections, as a part of a bare Fastify echo',
  async run(bench) {
    const folder = bench.folder();
    const key = makeKey(folder);
    const gateway = await serveGateway(bench, { folder });
    const echo = await start(bench, { file: 'bench/echo-server.ts', says: /Listens on (\S+)/ });
    const ways: readonly { readonly name: string; readonly atLeast: number; readonly call: Call }[] = [
      { name: 'modern', atLeast: 0.6, call: modernCall(gateway.url, key) },
      { name: 'legacy', atLeast: 0.5, call: await legacyCall(gateway.url, key) },
      { name: 'rest', atLeast: 0.7, call: restCall(gateway.url, key) },
    ];
    const how = bench.quick ? { rounds: 1, seconds: 1 } : { rounds: 7, seconds: 2 };
    const measured: Measured[] = [];
    for (const { name, atLeast, call } of ways) {
      const { ratio, ...details } = await compare(call, echoOf(echo.said, call), how);
      bench.say(
        `${name}: ${details.callsPerSecond.toFixed(0)} a second, the echo ${details.baselinePerSecond.toFixed(0)}`,
      );
      measured.push({ name, value: ratio, unit: 'ratio', target: { atLeast }, details });
    }
    return measured;
  },
});
