/** A broker's listing as one row of the database, and back: decimals as text, and a digest that says whether anything has changed. */
import { createHash } from 'node:crypto';
import { text } from '#domain/decimal.ts';
import { defineInstrument, type Instrument, type InstrumentInput } from '#domain/instrument.ts';
import type { BrokerListing } from '#ports.ts';

interface StoredFacts {
  readonly instrument: InstrumentInput;
  readonly extra: Readonly<Record<string, string>>;
}

export interface EncodedListing {
  readonly facts: string;
  /** Of everything in the row. */
  readonly digest: string;
}

export function encodeListing({ instrument, brokerSymbol, extra }: BrokerListing): EncodedListing {
  const stored: StoredFacts = { instrument: instrumentInput(instrument), extra };
  const facts = JSON.stringify(stored);
  const digest = createHash('sha256').update(brokerSymbol).update('\0').update(facts).digest('base64url');
  return { facts, digest };
}

export function decodeListing(facts: string, brokerSymbol: string): BrokerListing {
  const { instrument, extra } = JSON.parse(facts) as StoredFacts;
  return { instrument: defineInstrument(instrument), brokerSymbol, extra };
}

/** What makes it again, as JSON. */
export function instrumentInput({
  tick,
  lot,
  multiplier,
  minNotional,
  contract,
  ...rest
}: Instrument): InstrumentInput {
  const { strike, ...terms } = contract ?? {};
  return {
    ...rest,
    tick: text(tick),
    lot: text(lot),
    multiplier: text(multiplier),
    ...(minNotional === undefined ? {} : { minNotional: text(minNotional) }),
    ...(contract === undefined
      ? {}
      : {
          contract: {
            ...terms,
            underlying: contract.underlying,
            ...(strike === undefined ? {} : { strike: text(strike) }),
          },
        }),
  };
}
