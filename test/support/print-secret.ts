/** Child of a test: opens the key folder it is given and prints the secret it found or made. */
import { openKeyring } from '#store/keyring.ts';

process.stdout.write(
  `${openKeyring(process.argv[2] ?? '')
    .secret('audit')
    .toString('hex')}\n`,
);
