/** Binary messages of Kite's ticker: big-endian packets, prices as whole numbers, each read exactly and within its length. */
import { isPositive, type Price, price, type Quantity, quantity } from '#domain/decimal.ts';

export interface KiteLevel {
  readonly price: Price;
  readonly qty: Quantity;
}
export interface KiteTick {
  readonly token: number;
  readonly last: Price;
  /** Best first; levels that are empty are left out. Absent: the packet carries none (indices, shorter modes). */
  readonly bids?: readonly KiteLevel[];
  readonly asks?: readonly KiteLevel[];
  /** Epoch ms of the exchange; undefined: not told. */
  readonly exchangeMs: number | undefined;
  readonly lastTradeMs: number | undefined;
  readonly volume: Quantity | undefined;
}

const LTP_BYTES = 8;
const INDEX_QUOTE_BYTES = 28;
const INDEX_FULL_BYTES = 32;
const QUOTE_BYTES = 44;
const FULL_BYTES = 184;
const DEPTH_AT = 64;
const LEVEL_BYTES = 12;
const LEVELS = 5;

/** Places of the fraction by the segment in a token's low byte: currencies of NSE (3) and of BSE (6), everything else in paise. */
function placesOf(token: number): number {
  const segment = token & 0xff;
  if (segment === 3) return 7;
  return segment === 6 ? 4 : 2;
}

/** Exact: digits are moved, nothing is divided. */
function scaled(units: number, places: number): Price {
  const digits = String(Math.abs(units)).padStart(places + 1, '0');
  const fraction = digits.slice(-places).replace(/0+$/, '');
  const whole = digits.slice(0, -places);
  const sign = units < 0 ? '-' : '';
  return price(
    `${fraction === '' && whole === '0' ? '' : sign}${whole}${fraction === '' ? '' : `.${fraction}`}`,
  );
}

/**
 * The ticks of one message: two bytes of count, then two of length before each packet. A message of one byte is a heartbeat. A packet
 * that ends early, or has a length that no mode has, is left out with what comes after or alone: nothing is read past its end.
 */
export function parseTicks(message: Buffer): readonly KiteTick[] {
  if (message.length < 4) return [];
  const count = message.readUInt16BE(0);
  const ticks: KiteTick[] = [];
  let at = 2;
  for (let index = 0; index < count && at + 2 <= message.length; index++) {
    const length = message.readUInt16BE(at);
    at += 2;
    if (at + length > message.length) return ticks;
    const tick = parsePacket(message.subarray(at, at + length));
    if (tick !== undefined) ticks.push(tick);
    at += length;
  }
  return ticks;
}

function parsePacket(packet: Buffer): KiteTick | undefined {
  const { length } = packet;
  if (![LTP_BYTES, INDEX_QUOTE_BYTES, INDEX_FULL_BYTES, QUOTE_BYTES, FULL_BYTES].includes(length))
    return undefined;
  const token = packet.readUInt32BE(0);
  const places = placesOf(token);
  const tick = { token, last: scaled(packet.readInt32BE(4), places) };
  if (length === LTP_BYTES || length === INDEX_QUOTE_BYTES)
    return { ...tick, exchangeMs: undefined, lastTradeMs: undefined, volume: undefined };
  if (length === INDEX_FULL_BYTES)
    return { ...tick, exchangeMs: secondsAt(packet, 28), lastTradeMs: undefined, volume: undefined };
  const volume = quantity(String(packet.readUInt32BE(16)));
  if (length === QUOTE_BYTES) return { ...tick, exchangeMs: undefined, lastTradeMs: undefined, volume };
  return {
    ...tick,
    volume,
    lastTradeMs: secondsAt(packet, 44),
    exchangeMs: secondsAt(packet, 60),
    bids: levelsAt(packet, DEPTH_AT, places),
    asks: levelsAt(packet, DEPTH_AT + LEVELS * LEVEL_BYTES, places),
  };
}

const secondsAt = (packet: Buffer, at: number): number | undefined =>
  packet.readUInt32BE(at) * 1000 || undefined;

function levelsAt(packet: Buffer, from: number, places: number): readonly KiteLevel[] {
  return Array.from({ length: LEVELS }, (_, index) => {
    const at = from + index * LEVEL_BYTES;
    return {
      price: scaled(packet.readInt32BE(at + 4), places),
      qty: quantity(String(packet.readUInt32BE(at))),
    };
  }).filter((level) => isPositive(level.price) && isPositive(level.qty));
}
