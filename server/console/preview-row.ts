/** What an order would do, in figures, as templates take it. */
import { text } from '#domain/decimal.ts';
import type { Preview } from '#trading/views.ts';
import { shownMoney, shownPrice } from './figures.ts';

export const previewRow = (preview: Preview) => ({
  price: shownPrice(preview.estimatedPrice, undefined),
  value: shownMoney(preview.value),
  fees: shownMoney(preview.fees),
  buying_power_after: shownMoney(preview.buyingPowerAfter),
  position_after: text(preview.positionAfter),
  qty: text(preview.qty),
  limits: preview.limits,
  warnings: preview.warnings,
});
