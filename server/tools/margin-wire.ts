/** A broker's margin for an order, as tools tell it. */
import { text } from '#domain/decimal.ts';
import type { BrokerMargin } from '#ports.ts';

export const marginWire = ({ required, fees, source }: BrokerMargin) => ({
  required: text(required),
  ...(fees === undefined ? {} : { fees: text(fees) }),
  source,
});
