import { isObject, type JsonObject, type JsonValue } from './json/json-value.ts';
import { QmpError } from './qmp-error.ts';

/** What a client asked for. */
export interface QmpRequest {
  readonly command: string;
  readonly args: JsonObject;
  readonly outOfBand: boolean;
}

/** The id to answer with, if a message has one. */
export function requestId(message: JsonValue): JsonValue | undefined {
  return isObject(message) && Object.hasOwn(message, 'id') ? (message).id : undefined;
}

/** Whether a message overtakes others, right or wrong. */
export function isOutOfBand(message: JsonValue): boolean {
  return isObject(message) && Object.hasOwn(message, 'exec-oob') && !Object.hasOwn(message, 'execute');
}

/** Reads a message as a request. @param oob whether out-of-band was negotiated @throws QmpError in QEMU's words */
export function readRequest(message: JsonValue, oob: boolean): QmpRequest {
  if (!isObject(message)) throw generic('QMP input must be a JSON object');
  let command: string | undefined;
  let args: JsonObject = {};
  let executed: 'execute' | 'exec-oob' | undefined;
  for (const [name, value] of Object.entries(message)) {
    switch (name) {
      case 'id':
        break;
      case 'arguments':
        if (!isObject(value)) throw generic("QMP input member 'arguments' must be an object");
        args = value;
        break;
      case 'execute':
      case 'exec-oob':
        if (name === 'exec-oob' && !oob) throw generic("QMP input member 'exec-oob' is unexpected");
        if (typeof value !== 'string') throw generic(`QMP input member '${name}' must be a string`);
        if (executed !== undefined) throw generic("QMP input member 'execute' clashes with 'exec-oob'");
        executed = name;
        command = value;
        break;
      default:
        throw generic(`QMP input member '${name}' is unexpected`);
    }
  }
  if (command === undefined) throw generic("QMP input lacks member 'execute'");
  return { command, args, outOfBand: executed === 'exec-oob' };
}

function generic(desc: string): QmpError {
  return new QmpError('GenericError', desc);
}
