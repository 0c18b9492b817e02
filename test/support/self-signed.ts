/** A certificate that a test makes for itself: X.509 by hand, because Node can sign but not issue. */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

const LIFETIME_MS = 86_400_000;
const [INTEGER, BOOLEAN, BITS, OCTETS, OID, TEXT, TIME, SEQUENCE, SET] = [
  0x02, 0x01, 0x03, 0x04, 0x06, 0x0c, 0x18, 0x30, 0x31,
];
const [VERSION, EXTENSIONS, DNS_NAME] = [0xa0, 0xa3, 0x82];
// 1.2.840.10045.4.3.2, 2.5.4.3, 2.5.29.17 and 2.5.29.19, as DER writes them.
const ECDSA_WITH_SHA256 = Buffer.from('2a8648ce3d040302', 'hex');
const COMMON_NAME = Buffer.from('550403', 'hex');
const SUBJECT_ALT_NAME = Buffer.from('551d11', 'hex');
const BASIC_CONSTRAINTS = Buffer.from('551d13', 'hex');
const TRUE = Buffer.from([0xff]);

/** Tag, length, value (X.690). */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const value = Buffer.concat(parts);
  const length =
    value.length < 0x80
      ? Buffer.from([value.length])
      : value.length < 0x1_00
        ? Buffer.from([0x81, value.length])
        : Buffer.from([0x82, value.length >> 8, value.length & 0xff]);
  return Buffer.concat([Buffer.from([tag]), length, value]);
}

const time = (ms: number): Buffer =>
  der(TIME, Buffer.from(`${new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`));

/** For `host`, from a day ago until tomorrow; it is its own issuer. */
export function selfSigned(host: string, nowMs: number = Date.now()): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = der(SEQUENCE, der(OID, ECDSA_WITH_SHA256));
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, der(OID, COMMON_NAME), der(TEXT, Buffer.from(host)))));
  const alternative = der(SEQUENCE, der(DNS_NAME, Buffer.from(host)));
  const authority = der(SEQUENCE, der(BOOLEAN, TRUE));
  const body = der(
    SEQUENCE,
    der(VERSION, der(INTEGER, Buffer.from([2]))),
    // Positive, whatever the first byte.
    der(INTEGER, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    name,
    der(SEQUENCE, time(nowMs - LIFETIME_MS), time(nowMs + LIFETIME_MS)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(
      EXTENSIONS,
      der(
        SEQUENCE,
        der(SEQUENCE, der(OID, SUBJECT_ALT_NAME), der(OCTETS, alternative)),
        der(SEQUENCE, der(OID, BASIC_CONSTRAINTS), der(BOOLEAN, TRUE), der(OCTETS, authority)),
      ),
    ),
  );
  const signature = der(BITS, Buffer.from([0]), sign('sha256', body, privateKey));
  const encoded = der(SEQUENCE, body, algorithm, signature).toString('base64');
  const lines = encoded.replaceAll(/.{64}(?=.)/g, '$&\n');
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}
