/** Settings and credentials of an account at an exchange. */
import { z } from 'zod';
import { loopbackEndpoint } from '#brokers/endpoint.ts';
import { isExchange } from './load.ts';

const secret = z.string().trim().min(1).max(4_000);

export const ccxtSettings = z.strictObject({
  exchange: z
    .string()
    .refine(isExchange, 'is no exchange that ccxt knows; ids are lower case, like binance or kraken'),
  kind: z.enum(['spot', 'swap']),
  /** Everything is traded against it, and counted in it: the quote currency, of perpetuals what they are settled in. */
  currency: z.string().regex(/^[A-Z0-9]{2,12}$/, 'a currency or asset in capitals, like USD, EUR or USDT'),
  /** A simulator or a proxy on loopback in place of the exchange. */
  endpoints: z.strictObject({ rest: loopbackEndpoint, stream: loopbackEndpoint.optional() }).optional(),
});
export type CcxtSettings = z.output<typeof ccxtSettings>;

/** Under the names of ccxt; which of them an exchange needs is checked when the account is connected. */
export const ccxtCredentials = z.strictObject({
  apiKey: secret.optional(),
  secret: secret.optional(),
  password: secret.optional(),
  uid: secret.optional(),
  walletAddress: secret.optional(),
  privateKey: secret.optional(),
});
export type CcxtCredentials = z.output<typeof ccxtCredentials>;
