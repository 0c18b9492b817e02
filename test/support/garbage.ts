/** How much memory is really in use: what can be collected is collected first. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes of the heap still in use. */
export function collectGarbage(): number {
  collect();
  return process.memoryUsage().heapUsed;
}
