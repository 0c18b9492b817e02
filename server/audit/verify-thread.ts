/** The thread in which the record is proved for the console: what takes seconds a million lines keeps no order waiting there. */
import { parentPort, workerData } from 'node:worker_threads';
import { type VerifyBesideOptions, verifyBeside } from './verify-beside.ts';

parentPort?.postMessage(verifyBeside(workerData as VerifyBesideOptions));
