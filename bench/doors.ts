/** How fast get_quotes is answered through each door, with everything on, as a part of what bare Fastify does. */
import { echoOf, legacyCall, modernCall, plainLegacyCall, restCall } from './calls.ts';
import { type Bench, defineFigure, type Measured, type Target } from './figure.ts';
import { makeKey, serveGateway } from './gateway.ts';
import { type Call, compare } from './load.ts';
import { type Program, start } from './process.ts';

interface Way {
  readonly name: string;
  readonly call: Call;
  readonly target?: Target;
}

const echoServer = (bench: Bench): Promise<Program> =>
  start(bench, { file: 'bench/echo-server.ts', says: /Listens on (\S+)/ });

async function measured(bench: Bench, echo: Program, ways: readonly Way[]): Promise<readonly Measured[]> {
  const how = bench.quick ? { rounds: 1, seconds: 1 } : { rounds: 7, seconds: 2 };
  const all: Measured[] = [];
  for (const { name, call, target } of ways) {
    const { ratio, ...details } = await compare(call, echoOf(echo, call), how);
    const [own, base] = [details.callsPerSecond.toFixed(0), details.baselinePerSecond.toFixed(0)];
    const [ownUs, baseUs] = [details.processorUs.toFixed(0), details.baselineProcessorUs.toFixed(0)];
    bench.say(`${name}: ${own} calls a second at ${ownUs} µs each, the echo ${base} at ${baseUs} µs`);
    all.push({ name, value: ratio, unit: 'ratio', ...(target ? { target } : {}), details });
  }
  return all;
}

export const doors = defineFigure({
  name: 'doors',
  about: 'get_quotes with a key, limits and audit on, 16 connections, as a part of a bare Fastify echo',
  async run(bench) {
    const folder = bench.folder();
    const key = makeKey(folder);
    const gateway = await serveGateway(bench, { folder });
    return measured(bench, await echoServer(bench), [
      { name: 'modern', call: modernCall(gateway, key), target: { atLeast: 0.6 } },
      { name: 'legacy', call: await legacyCall(gateway, key), target: { atLeast: 0.5 } },
      { name: 'rest', call: restCall(gateway, key), target: { atLeast: 0.7 } },
    ]);
  },
});

export const naive = defineFigure({
  name: 'naive',
  about: 'the same call on the SDK used as in its first example, without keys, limits or audit',
  async run(bench) {
    const server = await start(bench, { file: 'bench/naive-server.ts', says: /Listens on (\S+)/ });
    return measured(bench, await echoServer(bench), [
      { name: 'modern', call: modernCall({ url: server.said, pid: server.pid }, 'none') },
      { name: 'legacy', call: plainLegacyCall({ url: server.said, pid: server.pid }) },
    ]);
  },
});
