/** Tools that need something of the client before they answer: written once, asked in each era's own way by the SDK. */
import {
  acceptedContent,
  type CallToolResult,
  type ClientCapabilities,
  type InputRequest,
  type InputRequests,
  type InputRequiredResult,
  inputRequired,
  inputResponse,
  type RequestStateCodec,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { type ListedTool, NO_ARGUMENTS, text } from './answers.ts';

/** What `requestState` carries; who asked is bound to it by the codec. */
export interface AskedState {
  readonly tool: string;
  readonly round: number;
}

export interface Asking {
  readonly context: ServerContext;
  readonly args: Readonly<Record<string, unknown>>;
  readonly codec: RequestStateCodec<AskedState>;
  /** As declared with this request (modern) or at the handshake (legacy). */
  readonly capabilities: ClientCapabilities;
}

export interface AskingTool {
  readonly listed: ListedTool;
  readonly run: (asking: Asking) => Promise<CallToolResult | InputRequiredResult>;
}

type FormSchema = Parameters<typeof inputRequired.elicit>[0]['requestedSchema'];

const form = (message: string, properties: object, required: readonly string[] = Object.keys(properties)) =>
  inputRequired.elicit({
    mode: 'form',
    message,
    requestedSchema: { type: 'object', properties, required } as FormSchema,
  });
const sample = (prompt: string, maxTokens: number): InputRequest =>
  inputRequired.createMessage({
    messages: [{ role: 'user', content: { type: 'text', text: prompt } }],
    maxTokens,
  });
const STRING = { type: 'string' };
const WHO = form('What is your name?', { name: STRING });

type Responses = ServerContext['mcpReq']['inputResponses'];

/** Whether a key was answered, and in the way its request can be. */
function answeredBy(responses: Responses, key: string, request: InputRequest): boolean {
  const given = inputResponse(responses, key);
  if (request.method === 'elicitation/create') return given.kind === 'elicit';
  return given.kind === (request.method === 'roots/list' ? 'roots' : 'sampling');
}

interface Round {
  readonly requests: InputRequests;
}
interface Script {
  readonly rounds: readonly Round[];
  /** Without state a client may send its answers with the first request. */
  readonly stateful: boolean;
  readonly done: (responses: Responses) => string;
}

/** Asks round after round until all is answered; a wrong or missing answer is asked for again. */
function followScript(name: string, script: Script): AskingTool['run'] {
  return async ({ context, codec }) => {
    const state = context.mcpReq.requestState<AskedState>();
    const known = state?.tool === name ? state.round : 0;
    const responses = script.stateful && state?.tool !== name ? undefined : context.mcpReq.inputResponses;
    const asked = script.rounds[known];
    const complete =
      asked !== undefined &&
      Object.entries(asked.requests).every(([key, request]) => answeredBy(responses, key, request));
    const round = complete ? known + 1 : known;
    const next = script.rounds[round];
    if (!next) return text(script.done(responses));
    const requestState = script.stateful
      ? { requestState: await codec.mint({ tool: name, round }, context) }
      : {};
    return inputRequired({ inputRequests: next.requests, ...requestState });
  };
}

function scripted(name: string, description: string, script: Script): AskingTool {
  return { listed: { name, description, inputSchema: NO_ARGUMENTS }, run: followScript(name, script) };
}
const once = (requests: InputRequests, done: Script['done'], stateful = false): Script => ({
  rounds: [{ requests }],
  stateful,
  done,
});

const told = (responses: Responses, key: string): string => {
  const { kind: _kind, ...given } = inputResponse(responses, key);
  return JSON.stringify(given);
};
function sampledText(responses: Responses, key: string): string {
  const given = inputResponse(responses, key);
  if (given.kind !== 'sampling') return '';
  const [content] = [given.result.content].flat();
  return content?.type === 'text' ? content.text : '';
}
function elicited(responses: Responses, key: string): string {
  const given = inputResponse(responses, key);
  if (given.kind !== 'elicit') return 'Elicitation was not answered';
  return `Elicitation completed: action=${given.action}, content=${JSON.stringify(given.content ?? {})}`;
}

const OPTIONS = ['option1', 'option2', 'option3'];
const titled = (kind: string) =>
  ['First', 'Second', 'Third'].map((nth, n) => ({ const: `value${n + 1}`, title: `${nth} ${kind}` }));

const ENUMS = {
  untitledSingle: { type: 'string', enum: OPTIONS },
  titledSingle: { type: 'string', oneOf: titled('Option') },
  legacyEnum: {
    type: 'string',
    enum: ['opt1', 'opt2', 'opt3'],
    enumNames: ['Option One', 'Option Two', 'Option Three'],
  },
  untitledMulti: { type: 'array', items: { type: 'string', enum: OPTIONS } },
  titledMulti: { type: 'array', items: { anyOf: titled('Choice') } },
};
const DEFAULTS = {
  name: { type: 'string', default: 'John Doe' },
  age: { type: 'integer', default: 30 },
  score: { type: 'number', default: 95.5 },
  status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
  verified: { type: 'boolean', default: true },
};

/** Asks what the caller's own argument says. */
function withArgument(
  name: string,
  argument: string,
  script: (given: string) => Omit<Script, 'stateful'>,
): AskingTool {
  return {
    listed: {
      name,
      description: 'Asks the client what the argument says.',
      inputSchema: { type: 'object', properties: { [argument]: STRING }, required: [argument] },
    },
    run: (asking) =>
      followScript(name, { ...script(String(asking.args[argument])), stateful: false })(asking),
  };
}

const CAPABLE: AskingTool = {
  listed: {
    name: 'test_input_required_result_capabilities',
    description: 'Asks only what this client can be asked.',
    inputSchema: NO_ARGUMENTS,
  },
  run: async ({ capabilities }) => {
    const inputRequests = {
      ...(capabilities.sampling ? { greeting: sample('Generate a greeting', 50) } : {}),
      ...(capabilities.elicitation ? { user_name: WHO } : {}),
    };
    return Object.keys(inputRequests).length > 0
      ? inputRequired({ inputRequests })
      : text('There is nothing that this client can be asked.');
  },
};

const CONFIRM = { confirm: form('Please confirm', { ok: { type: 'boolean' } }) };

export const ASKING_TOOLS: readonly AskingTool[] = [
  withArgument('test_sampling', 'prompt', (prompt) => ({
    rounds: [{ requests: { answer: sample(prompt, 100) } }],
    done: (responses) => `LLM response: ${sampledText(responses, 'answer')}`,
  })),
  withArgument('test_elicitation', 'message', (message) => ({
    rounds: [
      {
        requests: {
          answer: form(message, {
            username: { type: 'string', description: "User's response" },
            email: { type: 'string', description: "User's email address" },
          }),
        },
      },
    ],
    done: (responses) => `User response: ${told(responses, 'answer')}`,
  })),
  scripted(
    'test_elicitation_sep1034_defaults',
    'Asks with a default for every primitive type.',
    once({ answer: form('Check the defaults', DEFAULTS, []) }, (given) => elicited(given, 'answer')),
  ),
  scripted(
    'test_elicitation_sep1330_enums',
    'Asks with every kind of enumeration.',
    once({ answer: form('Choose', ENUMS, []) }, (given) => elicited(given, 'answer')),
  ),
  scripted(
    'test_streaming_elicitation',
    'Asks for a confirmation.',
    once(CONFIRM, () => 'Confirmed.'),
  ),
  scripted(
    'test_missing_capability',
    'Needs a client that samples.',
    once({ answer: sample('Say something', 10) }, (given) => sampledText(given, 'answer')),
  ),
  scripted(
    'test_input_required_result_elicitation',
    'Asks for a name.',
    once({ user_name: WHO }, (given) => `Hello, ${String(acceptedContent(given, 'user_name')?.['name'])}!`),
  ),
  scripted(
    'test_input_required_result_sampling',
    'Asks for a capital.',
    once({ capital_question: sample('What is the capital of France?', 100) }, (given) =>
      sampledText(given, 'capital_question'),
    ),
  ),
  scripted(
    'test_input_required_result_list_roots',
    'Asks for the roots.',
    once({ client_roots: inputRequired.listRoots() }, (given) => told(given, 'client_roots')),
  ),
  scripted(
    'test_input_required_result_request_state',
    'Asks, with signed state.',
    once(CONFIRM, () => 'state-ok', true),
  ),
  scripted(
    'test_input_required_result_tampered_state',
    'Asks, with signed state.',
    once(CONFIRM, () => 'state-ok', true),
  ),
  scripted(
    'test_input_required_result_multiple_inputs',
    'Asks three things at once.',
    once(
      {
        user_name: WHO,
        greeting: sample('Generate a greeting', 50),
        client_roots: inputRequired.listRoots(),
      },
      () => 'All three were answered.',
      true,
    ),
  ),
  scripted('test_input_required_result_multi_round', 'Asks twice.', {
    rounds: [
      { requests: { step1: form('Step 1: What is your name?', { name: STRING }) } },
      { requests: { step2: form('Step 2: What is your favorite color?', { color: STRING }) } },
    ],
    stateful: true,
    done: () => 'Both steps were answered.',
  }),
  CAPABLE,
];
