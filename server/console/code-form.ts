/** The field of a code: six digits of the authenticator, or a recovery code, as people type and paste them. */
import { z } from 'zod';

export const codeField = z
  .string()
  .max(100)
  .transform((typed) => typed.trim());
