/** What sessions, devices and links are held by: random, shown once, kept as a hash. */
import { hash, randomBytes } from 'node:crypto';

/** 256 random bits, safe in a cookie. */
export const newToken = (): string => randomBytes(32).toString('base64url');
/** 128 random bits, safe in a link. */
export const newLinkCode = (): string => randomBytes(16).toString('base64url');
export const newId = (kind: 'ses' | 'dev'): string => `${kind}_${randomBytes(8).toString('hex')}`;
/** A fast hash is enough for what nobody chose; looking one up tells nothing about how near a guess was. */
export const tokenHash = (token: string): Buffer => hash('sha256', token, 'buffer');
