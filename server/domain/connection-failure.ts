/** Why a connection failed, in a sentence, by the code of the error alone: messages of errors name addresses, and addresses hold secrets. */

const BY_CODE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'The connection was refused: nothing listens there.',
  ECONNRESET: 'The connection broke off before an answer came.',
  EPIPE: 'The connection broke off before an answer came.',
  ENOTFOUND: 'The name of the server is not known.',
  EAI_AGAIN: 'The name of the server could not be looked up.',
  ENETUNREACH: 'There is no way to the server from here.',
  EHOSTUNREACH: 'There is no way to the server from here.',
  ETIMEDOUT: 'The server did not answer in time.',
  CERT_HAS_EXPIRED: 'The certificate of the server has expired.',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'Nobody vouches for the certificate of the server.',
  SELF_SIGNED_CERT_IN_CHAIN: 'Nobody vouches for the certificate of the server.',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'Nobody vouches for the certificate of the server.',
  ERR_TLS_CERT_ALTNAME_INVALID: 'The certificate of the server is for another name.',
};

export function connectionFailure(code: unknown): string {
  if (typeof code !== 'string') return 'The server could not be reached.';
  const shown = /^[A-Z0-9_]{1,60}$/.test(code) ? ` (${code})` : '';
  return BY_CODE[code] ?? `The server could not be reached${shown}.`;
}
