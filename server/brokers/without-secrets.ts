/** Takes secrets out of what a broker said: one that complains of a key may quote it, and its words go into answers and the record. */

/** Shorter words are no secrets, and taking them out would spoil sentences. */
const SECRET_LENGTH_MIN = 8;

export const withoutSecrets = (words: string, secrets: readonly string[]): string =>
  secrets
    .filter((secret) => secret.length >= SECRET_LENGTH_MIN)
    // One may be a part of another.
    .toSorted((a, b) => b.length - a.length)
    .reduce((said, secret) => said.replaceAll(secret, '…'), words);
