/** A text as a QR code: one SVG element without script or style, so that it stands on a page under a strict policy. */
import { create } from 'qrcode';

/** ISO/IEC 18004: four modules of quiet zone around. */
const QUIET_MODULES = 4;

export function qrSvg(text: string): string {
  const { size, data } = create(text, { errorCorrectionLevel: 'M' }).modules;
  const side = size + 2 * QUIET_MODULES;
  const rows = Array.from({ length: size }, (_, y) => rowPath(data.subarray(y * size, (y + 1) * size), y));
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${side} ${side}" role="img" aria-label="QR code" ` +
    `shape-rendering="crispEdges"><path fill="#fff" d="M0 0h${side}v${side}H0z"/>` +
    `<path stroke="#000" d="${rows.join('')}"/></svg>`
  );
}

/** Dark modules that stand together are one line. */
function rowPath(modules: Uint8Array | Uint8ClampedArray, y: number): string {
  let path = '';
  for (let x = 0; x < modules.length; ) {
    const from = x;
    while (modules[x]) x++;
    if (x > from) path += `M${from + QUIET_MODULES} ${y + QUIET_MODULES}.5h${x - from}`;
    else x++;
  }
  return path;
}
