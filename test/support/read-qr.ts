/** Reads a QR code off a page as a phone would: from what is seen, not from what the page says. */
import jsQR from 'jsqr';
import type { Page } from 'playwright-core';

interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly rgba: readonly number[];
}

/** Text, because the types of browsers are not those of the gateway. */
const PIXELS = `async (png) => {
  const bitmap = await createImageBitmap(await (await fetch('data:image/png;base64,' + png)).blob());
  const { width, height } = bitmap;
  const pen = new OffscreenCanvas(width, height).getContext('2d');
  pen.drawImage(bitmap, 0, 0);
  return { width, height, rgba: [...pen.getImageData(0, 0, width, height).data] };
}`;

export async function readQr(page: Page, selector: string): Promise<string> {
  const png = (await page.locator(selector).screenshot()).toString('base64');
  // A page of its own, whose policy lets it look at the picture.
  const blank = await page.context().newPage();
  const { width, height, rgba } = await blank.evaluate<Pixels>(`(${PIXELS})(${JSON.stringify(png)})`);
  await blank.close();
  const read = jsQR.default(Uint8ClampedArray.from(rgba), width, height);
  if (read === null) throw new Error('there is no QR code to be read');
  return read.data;
}
