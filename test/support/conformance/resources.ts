/** Resources and prompts of the protocol's own test suite. */
import {
  acceptedContent,
  type CompleteResult,
  type GetPromptResult,
  type InputRequiredResult,
  inputRequired,
  type ListPromptsResult,
  type ListResourcesResult,
  type ListResourceTemplatesResult,
  type ReadResourceResult,
  ResourceNotFoundError,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { RED_PNG } from './answers.ts';

export const RESOURCES: ListResourcesResult['resources'] = [
  {
    uri: 'test://static-text',
    name: 'static-text',
    description: 'A text that never changes.',
    mimeType: 'text/plain',
  },
  {
    uri: 'test://static-binary',
    name: 'static-binary',
    description: 'An image that never changes.',
    mimeType: 'image/png',
  },
  {
    uri: 'test://watched-resource',
    name: 'watched-resource',
    description: 'A text one can subscribe to.',
    mimeType: 'text/plain',
  },
];
export const TEMPLATES: ListResourceTemplatesResult['resourceTemplates'] = [
  {
    uriTemplate: 'test://template/{id}/data',
    name: 'template',
    description: 'Data of an id.',
    mimeType: 'application/json',
  },
];

export function readResource(uri: string): ReadResourceResult {
  const plain = (said: string): ReadResourceResult => ({
    contents: [{ uri, mimeType: 'text/plain', text: said }],
  });
  if (uri === 'test://static-text') return plain('This is the content of the static text resource.');
  if (uri === 'test://watched-resource') return plain('Watched.');
  if (uri === 'test://static-binary') return { contents: [{ uri, mimeType: 'image/png', blob: RED_PNG }] };
  const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1];
  if (id === undefined) throw new ResourceNotFoundError(uri);
  const data = { id, templateTest: true, data: `Data for ID: ${id}` };
  return { contents: [{ uri, mimeType: 'application/json', text: JSON.stringify(data) }] };
}

const argument = (name: string, description: string) => ({ name, description, required: true });
export const PROMPTS: ListPromptsResult['prompts'] = [
  { name: 'test_simple_prompt', description: 'A prompt as it is.' },
  {
    name: 'test_prompt_with_arguments',
    description: 'A prompt with two arguments.',
    arguments: [argument('arg1', 'First test argument'), argument('arg2', 'Second test argument')],
  },
  {
    name: 'test_prompt_with_embedded_resource',
    description: 'A prompt with a resource in it.',
    arguments: [argument('resourceUri', 'URI of the resource to embed')],
  },
  { name: 'test_prompt_with_image', description: 'A prompt with an image in it.' },
  { name: 'test_input_required_result_prompt', description: 'A prompt that asks before it is made.' },
];

type Message = GetPromptResult['messages'][number];
const user = (content: Message['content']): Message => ({ role: 'user', content });
const says = (said: string): Message => user({ type: 'text', text: said });

const CONTEXT_FORM = inputRequired.elicit({
  mode: 'form',
  message: 'What context should the prompt use?',
  requestedSchema: {
    type: 'object',
    properties: { context: { type: 'string' } },
    required: ['context'],
  },
});

/** Undefined when there is no such prompt. */
export function getPrompt(
  name: string,
  args: Readonly<Record<string, string>>,
  context: ServerContext,
): GetPromptResult | InputRequiredResult | undefined {
  switch (name) {
    case 'test_simple_prompt':
      return { messages: [says('This is a simple prompt for testing.')] };
    case 'test_prompt_with_arguments':
      return {
        messages: [says(`Prompt with arguments: arg1='${args['arg1']}', arg2='${args['arg2']}'`)],
      };
    case 'test_prompt_with_embedded_resource':
      return {
        messages: [
          user({
            type: 'resource',
            resource: {
              uri: args['resourceUri'] ?? '',
              mimeType: 'text/plain',
              text: 'Embedded resource content for testing.',
            },
          }),
          says('Please process the embedded resource above.'),
        ],
      };
    case 'test_prompt_with_image':
      return {
        messages: [
          user({ type: 'image', data: RED_PNG, mimeType: 'image/png' }),
          says('Please analyze the image above.'),
        ],
      };
    case 'test_input_required_result_prompt': {
      const given = acceptedContent(context.mcpReq.inputResponses, 'user_context');
      if (given === undefined) return inputRequired({ inputRequests: { user_context: CONTEXT_FORM } });
      return { messages: [says(`In the context of ${String(given['context'])}.`)] };
    }
    default:
      return undefined;
  }
}

/** Of any argument: the words that go on as it begins. */
export function complete(value: string): CompleteResult {
  const values = ['paris', 'park', 'party'].filter((word) => word.startsWith(value.toLowerCase()));
  return { completion: { values, total: values.length, hasMore: false } };
}
