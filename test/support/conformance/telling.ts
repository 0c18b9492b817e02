/** Tools that tell something while they are at work: progress, log messages, changes of what is on offer. */
/* oxlint-disable typescript/no-deprecated -- log messages are part of both revisions all the same */
import type { CallToolResult, ServerContext } from '@modelcontextprotocol/server';
import { type ListedTool, NO_ARGUMENTS, text } from './answers.ts';

export interface TellingTool {
  readonly listed: ListedTool;
  readonly run: (context: ServerContext) => Promise<CallToolResult>;
}

const telling = (name: string, description: string, run: TellingTool['run']): TellingTool => ({
  listed: { name, description, inputSchema: NO_ARGUMENTS },
  run,
});

export const TELLING_TOOLS: readonly TellingTool[] = [
  telling('test_tool_with_progress', 'Tells its progress.', async (context) => {
    const progressToken = context.mcpReq._meta?.progressToken;
    for (const progress of [0, 50, 100]) {
      if (progressToken !== undefined)
        await context.mcpReq.notify({
          method: 'notifications/progress',
          params: { progressToken, progress, total: 100 },
        });
    }
    return text('Went to its end.');
  }),
  telling('test_tool_with_logging', 'Logs to the client.', async (context) => {
    await context.mcpReq.log('info', 'Tool execution started');
    await context.mcpReq.log('info', 'Tool processing data');
    await context.mcpReq.log('info', 'Tool execution completed');
    return text('Logged three times.');
  }),
  telling('test_logging_tool', 'Logs, if the client wants to know.', async (context) => {
    await context.mcpReq.log('info', 'At work');
    return text('Logged, or kept silent.');
  }),
];
