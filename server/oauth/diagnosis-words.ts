/** Where a connection can be stuck, in words: what has happened, and what to do, for each place and each answer that was given. */

/** Steps of one kind, as a person follows them. */
export const STAGES = [
  'discovery',
  'registration',
  'authorize',
  'approval',
  'sign_in',
  'consent',
  'token',
  'first_call',
] as const;
export type Stage = (typeof STAGES)[number];

export const STAGE_LABELS: Readonly<Record<Stage, string>> = {
  discovery: 'Discovery',
  registration: 'Registration',
  authorize: 'Browser page',
  approval: 'Your approval',
  sign_in: 'Sign-in',
  consent: 'Consent',
  token: 'Token',
  first_call: 'First call',
};

/** What a sentence may need to name. */
export interface Facts {
  /** Remote MCP is on. */
  readonly on: boolean;
  /** `https://gate.example.com`, without a path. */
  readonly publicUrl: string;
  /** Where the browser carries the code: the host of the redirect. */
  readonly redirectHost: string;
  readonly codeTtlSeconds: number;
  /** Else the owner's sign-in and consent are the approval of a client that is not let in yet. */
  readonly requireApproval: boolean;
}
export interface Words {
  /** What has happened, one sentence. */
  readonly says: string;
  /** What to do, one or two. */
  readonly todo: string;
}
type Told = (facts: Facts) => Words;

const GO_ON = 'Go on in the browser page that the host opened, or connect again from the host.';
const AGAIN = 'Connect again from the host.';
const HALTED: Told = () => ({
  says: 'The kill switch was on when it last asked, and had ended what it held.',
  todo: 'Resume trading first if you have not, then connect again from the host.',
});

/** The stage before it is done, and this one has not been reached. */
export const WAITS: Readonly<Record<Stage, Told>> = {
  discovery: ({ publicUrl }) => ({
    says: 'It called without a token, was told where to sign in, and has not looked there.',
    todo: `Check that the host was given exactly ${publicUrl}/mcp and that it can sign in by OAuth; then that your proxy or tunnel passes everything below /.well-known/ on to this gateway.`,
  }),
  registration: () => ({
    says: 'It has read how to sign in here and has not registered.',
    todo: 'Press Connect in the host. A host that can not register by itself needs a client that you make by hand.',
  }),
  authorize: () => ({
    says: 'It is known here, and its page has not been opened in a browser.',
    todo: 'Press Connect or Authorize in the host: it opens a page of this gateway. The browser must be allowed to open it.',
  }),
  approval: () => ({
    says: 'It asks to be let in.',
    todo: 'Compare its fingerprint with the one in the page that the host opened, and approve it. Then press Continue in that page, or connect again from the host.',
  }),
  sign_in: ({ requireApproval }) => ({
    says: requireApproval
      ? 'It is approved, and its page waits for you to sign in.'
      : 'Its page waits for you to sign in; it needs no approval before.',
    todo: GO_ON,
  }),
  consent: () => ({ says: 'You have signed in, and have not said what it may do.', todo: GO_ON }),
  token: ({ publicUrl, redirectHost, codeTtlSeconds }) => ({
    says: `You consented, your browser carried the code to ${redirectHost}, and it never came back for the token.`,
    todo: `It has to reach ${publicUrl}/oauth/token within ${codeTtlSeconds} seconds of your consent. Check that your proxy, tunnel or firewall lets that through from anywhere, and connect again from the host.`,
  }),
  first_call: ({ publicUrl }) => ({
    says: 'It fetched its token and has not called since: authorised, then nothing.',
    todo: `Start a new conversation in the host and switch the connector on in it: hosts read the tools when one begins. If nothing comes, check that your proxy passes POST ${publicUrl}/mcp on with its Authorization header, and that MCP_HTTP_IP_ALLOWLIST admits the host.`,
  }),
};

/** It has read the first document and not the second. */
export const HALF_DISCOVERED: Told = ({ publicUrl }) => ({
  says: 'It has read what this gateway is, and not where tokens for it come from.',
  todo: `Open ${publicUrl}/.well-known/oauth-authorization-server in a browser: it must answer JSON. If it does not, your proxy or tunnel keeps it back.`,
});

export const UNKNOWN_CLIENT: Told = () => ({
  says: 'It presented itself as a client that is not known here: it was deleted, or is another gateway’s.',
  todo: 'Remove the connector in the host and add it again: only then does it register anew.',
});
const WRONG_REDIRECT: Told = ({ redirectHost }) => ({
  says: 'It asked to be answered at an address other than the ones that it registered.',
  todo: `Remove the connector in the host and add it again. If it is not yours, reject it: its registered host is ${redirectHost}.`,
});
const TOO_MANY: Told = () => ({
  says: 'It was turned away because there were too many before it.',
  todo: 'Approve or reject what has asked here, wait an hour, and connect again from the host.',
});
const STORE_FAILED: Told = () => ({
  says: 'The gateway could not use its records when it asked, and gave nothing out.',
  todo: `See that the disk of the gateway has room and is well. ${AGAIN}`,
});
const WRONG_ADDRESS: Told = () => ({
  says: 'Its address is not admitted.',
  todo: 'Add the address to MCP_HTTP_IP_ALLOWLIST, or leave that empty.',
});
const BAD_SECRET: Told = () => ({
  says: 'It did not prove that it is this client: its secret or the way that it presents it is wrong.',
  todo: 'Remove the connector in the host and add it again; for a client that you made, make another one and give the host its new secret.',
});
const NOT_UNDERSTOOD: Told = () => ({
  says: 'Its request was not one that is answered here: PKCE with S256, a code and a registered address are asked of everybody.',
  todo: 'Update the host. If it stays so, it does not follow OAuth 2.1, and needs an API key instead.',
});

/** By the answer that the stage was last given. */
export const FAILURES: Readonly<Record<Stage, Readonly<Record<string, Told>>>> = {
  discovery: { ip_not_allowed: WRONG_ADDRESS },
  registration: {
    invalid_redirect_uri: () => ({
      says: 'It wanted to be answered at an address that nobody may be answered at.',
      todo: 'Use a host that is answered over https, on this machine (loopback) or by an app of its own.',
    }),
    invalid_client_metadata: () => ({
      says: 'It described itself in a way that is not understood here.',
      todo: 'Update the host, or make a client for it by hand and enter that in the host.',
    }),
    too_many_requests: TOO_MANY,
    temporarily_unavailable: HALTED,
  },
  authorize: {
    invalid_client: UNKNOWN_CLIENT,
    invalid_redirect_uri: WRONG_REDIRECT,
    invalid_request: NOT_UNDERSTOOD,
    unsupported_response_type: NOT_UNDERSTOOD,
    invalid_target: ({ publicUrl }) => ({
      says: 'It asked for a token for another address than this gateway’s.',
      todo: `Enter exactly ${publicUrl}/mcp in the host, without anything before or after it.`,
    }),
    invalid_scope: () => ({
      says: 'It asked for nothing that it may hold.',
      todo: 'Let it hold more below, or switch on what is off in the settings, and connect again from the host.',
    }),
    temporarily_unavailable: STORE_FAILED,
  },
  approval: {},
  sign_in: {},
  consent: {
    access_denied: () => ({
      says: 'Consent was refused, or nothing was ticked.',
      todo: 'Connect again from the host and leave ticked what it may do.',
    }),
  },
  token: {
    invalid_grant: ({ codeTtlSeconds }) => ({
      says:
        'What it brought was not good any more: a code is good once and for ' +
        `${codeTtlSeconds} seconds, and none outlives the kill switch.`,
      todo: `${AGAIN} If it happens every time, something holds its requests up on the way, or sends them twice.`,
    }),
    invalid_client: BAD_SECRET,
    invalid_request: NOT_UNDERSTOOD,
    invalid_target: () => ({
      says: 'It asked for a token for another address than this gateway’s.',
      todo: AGAIN,
    }),
    temporarily_unavailable: STORE_FAILED,
  },
  first_call: {
    unauthenticated: () => ({
      says: 'It called with a token that has expired or is not for this address, and has not fetched another.',
      todo: `Nothing, if it renews the token by itself. ${AGAIN}`,
    }),
    credential_revoked: () => ({
      says: 'It called with a token of a grant that has ended.',
      todo: AGAIN,
    }),
    trading_halted: HALTED,
  },
};

export const REFRESH_FAILED: Told = () => ({
  says: 'It could not renew its token: its grant has ended or expired, or an old token was used twice.',
  todo: AGAIN,
});

/** An answer that has no words of its own. */
export const answered = (stage: Stage, outcome: string): Words => ({
  says: `The last answer at “${STAGE_LABELS[stage]}” was ${outcome}.`,
  todo: `${AGAIN} The record has the details.`,
});

export const WORKS: Words = { says: 'It is connected and calls.', todo: '' };
export const REVOKED: Words = {
  says: 'You revoked or rejected it; none of its tokens opens anything.',
  todo: 'Approve it again, or delete it.',
};
export const OFF: Words = {
  says: 'Remote MCP is off: nobody remote is answered, and what was granted has ended.',
  todo: 'Switch it on and start the gateway again; then connect again from the host.',
};
export const OVER: Words = { says: 'Its grants have ended, so its tokens open nothing.', todo: AGAIN };
export const APPROVED_SINCE: Words = {
  says: 'You have approved it since it asked.',
  todo: 'Press Continue in the page that the host opened, or connect again from the host.',
};
export const NOT_ASKED_SINCE: Words = {
  says: 'It was told to wait for your approval, and needs none any more: your sign-in and consent let it in.',
  todo: APPROVED_SINCE.todo,
};
