/** What a real broker costs through the gateway: an order's way to its socket, and its quotes' way to a program. */
import { get, type IncomingMessage } from 'node:http';
import { numberOf, SHARES, type Asked as VenueAsked, type Told as VenueTold } from './alpaca-server.ts';
import type { Asked as GatewayAsked, Told as GatewayTold } from './broker-gateway.ts';
import { type Child, startChild } from './child.ts';
import { type Bench, defineFigure, median, quantile } from './figure.ts';
import { settingsIn } from './gateway.ts';
import { nowMs, pause } from './time.ts';

type VenueChild = Child<VenueAsked, VenueTold>;

/** Both in processes of their own, the account connected. */
async function startBoth(bench: Bench) {
  const venue: VenueChild = startChild(bench, { file: 'alpaca-server.ts' });
  const { url, keyId, secret } = await venue.told('ready');
  const gateway: Child<GatewayAsked, GatewayTold> = startChild(bench, {
    file: 'broker-gateway.ts',
    args: [JSON.stringify({ url, keyId, secret })],
    settings: settingsIn(bench.folder(), { LOG_LEVEL: 'warn' }),
  });
  return { venue, gateway, ready: await gateway.told('ready') };
}

export const broker = defineFigure({
  name: 'broker',
  about: 'an order through the whole line to a simulated broker’s socket, against the broker’s own SDK there',
  async run(bench) {
    const { venue, gateway } = await startBoth(bench);
    const asked = async (pairs: number) => {
      gateway.ask({ pairs });
      return (await gateway.told('pairs')).pairs;
    };
    await asked(bench.quick ? 1 : 5);
    const pairs = await asked(bench.quick ? 4 : 40);
    venue.ask({ ask: 'orders' });
    const { clientIds, arrivedMs } = await venue.told('orders');
    const at = (id: string): number => arrivedMs[clientIds.indexOf(id)] ?? Number.NaN;
    const ours = pairs.map((pair) => at(pair.ours) - pair.oursMs);
    const theirs = pairs.map((pair) => at(pair.theirs) - pair.theirsMs);
    if ([...ours, ...theirs].some(Number.isNaN)) throw new Error('an order did not reach the venue');
    const added = ours.map((ms, pair) => ms - (theirs[pair] ?? Number.NaN));
    bench.say(`to the socket: ours ${median(ours).toFixed(2)} ms, the SDK ${median(theirs).toFixed(2)} ms`);
    const details = {
      ours: median(ours),
      sdk: median(theirs),
      pairs: added.map((ms) => Number(ms.toFixed(3))),
    };
    return [{ name: 'order_added_ms', value: median(added), unit: 'ms', target: { atMost: 2 }, details }];
  },
});

const EVERY_MS = 10;
const READERS = 2;
/** Who ask for the same and never read. */
const STUCK = 2;

interface Heard {
  readonly n: number;
  readonly atMs: number;
}

/** What is heard is only noted: to look at it is for later. */
function readStream(bench: Bench, url: string, key: string): Promise<() => readonly Heard[]> {
  const pieces: { readonly text: string; readonly atMs: number }[] = [];
  return openStream(bench, url, key).then((answer) => {
    answer.setEncoding('utf8').on('data', (text: string) => void pieces.push({ text, atMs: nowMs() }));
    return () =>
      pieces.flatMap(({ text, atMs }) =>
        Array.from(text.matchAll(/"bid":"([\d.]+)"/g), ([, bid = '']) => ({ n: numberOf(bid), atMs })),
      );
  });
}

function openStream(bench: Bench, url: string, key: string): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sent = get(
    `${url}/api/v1/stream?symbols=${SHARES.join(',')}`,
    { headers: { authorization: `Bearer ${key}` }, agent: false },
    (answer) =>
      answer.statusCode === 200
        ? resolve(answer)
        : reject(new Error(`a stream was refused: ${answer.statusCode}`)),
  );
  sent.on('error', reject);
  bench.onEnd(() => void sent.destroy());
  return promise;
}

export const feed = defineFigure({
  name: 'feed',
  about: '5,000 quotes a second of fifty shares from a simulated broker’s socket to a program on the stream',
  async run(bench) {
    const { venue, ready } = await startBoth(bench);
    for (let n = 0; n < STUCK; n++) (await openStream(bench, ready.url, ready.key)).pause();
    const readers = [];
    for (let n = 0; n < READERS; n++) readers.push(await readStream(bench, ready.url, ready.key));
    // Until the venue has been asked for all of them.
    await pause(bench.quick ? 1_000 : 3_000);
    const seconds = bench.quick ? 2 : 20;
    venue.ask({ ask: 'quotes', everyMs: EVERY_MS, seconds });
    const { saidMs } = await venue.told('quotes');
    await pause(500);
    const heard = readers.map((read) => read().filter(({ n }) => saidMs[n] !== undefined));
    const ages = heard.flatMap((some) => some.map(({ n, atMs }) => atMs - (saidMs[n] ?? Number.NaN)));
    for (const some of heard) {
      const last = new Set(some.slice(-2 * SHARES.length).map(({ n }) => n));
      const missing = SHARES.filter((_, at) => !last.has(saidMs.length - SHARES.length + at));
      if (missing.length > 0) throw new Error(`the last quotes of ${missing.join(' ')} did not arrive`);
    }
    const [p50, p99] = [quantile(ages, 0.5), quantile(ages, 0.99)];
    const told = ages.length / READERS / seconds;
    bench.say(
      `quotes: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, ${told.toFixed(0)} a second to each reader`,
    );
    const details = {
      p50,
      max: Math.max(...ages),
      said: saidMs.length,
      told_a_second: told,
      readers: READERS,
      stuck: STUCK,
    };
    return [{ name: '5000_quotes_a_second', value: p99, unit: 'ms', target: { atMost: 50 }, details }];
  },
});
