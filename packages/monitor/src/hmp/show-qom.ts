import type { ObjectNode } from '@vpmem/machine';
import { formatMessage, type Writable } from '@vpmem/qmp';

/** `info qom-tree` in QEMU's layout: the object and all below it, each level in the order of names. */
export function showQomTree(name: string, node: ObjectNode, indent = ''): string[] {
  const children = Object.entries(node.children).sort(([a], [b]) => (a < b ? -1 : 1));
  return [`${indent}/${name} (${node.type})`, ...children.flatMap(([child, below]) => showQomTree(child, below, `${indent}  `))];
}

/** A value in JSON, as QEMU's HMP shows it. */
export function showJson(value: unknown): string {
  return formatMessage(value as Writable, { pretty: true }).replaceAll('\r\n', '\n').trimEnd();
}
