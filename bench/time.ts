/** The time of the bench: one clock for all of its processes, and waiting. */

/** The same in every process of a machine. */
export const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

export const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));
