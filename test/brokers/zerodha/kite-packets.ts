// The binary messages of the simulated ticker: big-endian packets of 8, 44 and 184 bytes, of indices 28 and 32.

import type { SimInstrument, SimMarket } from './kite-world.ts';

export type TickMode = 'ltp' | 'quote' | 'full';

/** Prices travel as whole numbers: paise, except currencies (seven places on NSE, four on BSE). */
export const divisorOf = (token: number): number => {
  const segment = token & 0xff;
  return segment === 3 ? 10_000_000 : segment === 6 ? 10_000 : 100;
};

export function packetOf(instrument: SimInstrument, market: SimMarket, mode: TickMode, atMs: number): Buffer {
  const divisor = divisorOf(instrument.token);
  const words: number[] = [];
  const word = (value: number): void => void words.push(value);
  const price = (value: number): void => word(Math.round(value * divisor));
  word(instrument.token);
  price(market.last);
  const { open, high, low, close } = market.ohlc;
  const seconds = Math.floor(atMs / 1000);
  if (mode === 'ltp') return packed(words);
  if (instrument.segment === 'INDICES') {
    for (const value of [high, low, open, close]) price(value);
    price(market.last - close);
    if (mode === 'full') word(seconds);
    return packed(words);
  }
  word(market.lastQuantity);
  price(market.last);
  word(market.volume);
  word(market.bids.reduce((sum, level) => sum + level.quantity, 0));
  word(market.asks.reduce((sum, level) => sum + level.quantity, 0));
  for (const value of [open, high, low, close]) price(value);
  if (mode === 'quote') return packed(words);
  word(Math.floor(market.lastTradeMs / 1000));
  for (const value of [market.oi, market.oi, market.oi]) word(value);
  word(seconds);
  const depth = Buffer.alloc(120);
  for (const [index, level] of [...five(market.bids), ...five(market.asks)].entries()) {
    depth.writeUInt32BE(level?.quantity ?? 0, index * 12);
    depth.writeUInt32BE(Math.round((level?.price ?? 0) * divisor), index * 12 + 4);
    depth.writeUInt16BE(level?.orders ?? 0, index * 12 + 8);
  }
  return Buffer.concat([packed(words), depth]);
}

const five = <T>(levels: readonly T[]): readonly (T | undefined)[] =>
  Array.from({ length: 5 }, (_, index) => levels[index]);

function packed(words: readonly number[]): Buffer {
  const bytes = Buffer.alloc(words.length * 4);
  for (const [index, value] of words.entries()) bytes.writeInt32BE(value | 0, index * 4);
  return bytes;
}

/** Two bytes of count, then two of length before each packet. */
export function messageOf(packets: readonly Buffer[]): Buffer {
  const parts = packets.flatMap((packet) => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(packet.length);
    return [length, packet];
  });
  const count = Buffer.alloc(2);
  count.writeUInt16BE(packets.length);
  return Buffer.concat([count, ...parts]);
}
