/** The thread in which a tape is read before it is chosen: what takes seconds a million rows keeps no order waiting there. */
import { parentPort, workerData } from 'node:worker_threads';
import { type TapeAsked, tapeFacts } from './tape-facts.ts';

parentPort?.postMessage(tapeFacts(workerData as TapeAsked));
