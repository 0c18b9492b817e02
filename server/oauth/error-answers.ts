/** What a client is told when the fault is ours: RFC 6749 bodies, with nothing of the cause. */

export interface ErrorAnswer {
  readonly error: string;
  readonly error_description: string;
}

export const FAULT: ErrorAnswer = {
  error: 'server_error',
  error_description: 'The gateway met a fault; nothing was issued. The owner finds it in the log.',
};
export const UNAVAILABLE: ErrorAnswer = {
  error: 'temporarily_unavailable',
  error_description: 'The gateway can not use its records at the moment; nothing was issued. Try again soon.',
};
export const HALTED: ErrorAnswer = {
  error: 'invalid_grant',
  error_description: 'The owner has stopped this gateway; what was granted before is over.',
};
