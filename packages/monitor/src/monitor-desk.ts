import type { MachineEvent, ManagedMachine } from '@vpmem/machine';
import type { About } from './about.ts';
import type { Connection } from '@vpmem/chardev';
import type { HmpContext } from './hmp/hmp-context.ts';
import { serveHmp, type History } from './hmp/hmp-session.ts';
import { HmpShell } from './hmp/hmp-shell.ts';
import type { LineEditor } from './hmp/line-editor.ts';
import { foreignCommands, machineHandlers } from './qmp/machine-handlers.ts';
import { QmpConnection, type QmpConnectionOptions } from './qmp/qmp-connection.ts';

/** The QEMU whose protocol this is, for clients that go by its version. */
const ACTS_AS = { major: 11, minor: 1, micro: 3 };

/** Where clients of all monitors of a machine are answered: its commands in both languages. It is loaded apart, see `DeskLoader`. */
export class MonitorDesk {
  readonly #about: About;
  readonly #shell: HmpShell;
  readonly #qmp: QmpConnectionOptions;
  readonly #qmpClients = new Set<QmpConnection>();

  constructor(machine: ManagedMachine, about: About, chardevs: HmpContext['chardevs']) {
    const { program, version } = about;
    const internalError = (error: unknown): void => about.internalError(error);
    this.#about = about;
    this.#shell = new HmpShell({ machine, program, version, chardevs }, internalError);
    const foreign = foreignCommands(machine);
    this.#qmp = {
      version: { qemu: ACTS_AS, package: `${program} ${version}` },
      handlers: machineHandlers(machine, this.#shell),
      ...(foreign !== undefined && { foreign }),
      onInternalError: internalError,
    };
  }

  /** Serves HMP until the client has gone. `running` is told of each command, `editing` of the line that is typed into. */
  serveHmp(connection: Connection, history: History, running: (command: Promise<void>) => void, editing: (editor: LineEditor) => void): Promise<void> {
    return serveHmp(connection, this.#shell, this.#about, history, running, editing);
  }

  /** Begins to serve a QMP client; `done` settles when it has gone. */
  serveQmp(connection: Connection, pretty: boolean): { readonly client: QmpConnection; readonly done: Promise<void> } {
    const client = new QmpConnection(connection, { ...this.#qmp, pretty });
    this.#qmpClients.add(client);
    const done = client.serve().finally(() => this.#qmpClients.delete(client));
    return { client, done };
  }

  /** Tells QMP clients. */
  tell(event: MachineEvent): void {
    for (const { session } of this.#qmpClients) {
      if (event.name === 'FOREIGN') session.foreignEvent(event.data.event, event.data.data, event.data.timestamp);
      else session.event(event.name, event.data);
    }
  }
}
