import type { Arguments, CommandName, Returned } from './schema/qmp-commands.ts';

/** Commands that a session answers by itself. */
export type SessionCommand = 'qmp_capabilities' | 'query-version' | 'query-commands' | 'query-qmp-schema';

/**
 * One function per command. It gets arguments that fit the schema; a `QmpError` that it throws is the answer, anything else is
 * answered as an internal error and reported.
 */
export type QmpHandlers = {
  readonly [N in Exclude<CommandName, SessionCommand>]: (args: Arguments<N>) => Returned<N> | Promise<Returned<N>>;
};

/** Takes the commands that are not in the schema, for a monitor that stands in front of another. */
export interface ForeignCommands {
  /** Their names. */
  commands(): Promise<readonly string[]>;
  /** @throws QmpError what the other monitor answered */
  execute(command: string, args: Readonly<Record<string, unknown>>): Promise<unknown>;
}
