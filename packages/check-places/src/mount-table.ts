import { readFileSync } from 'node:fs';

/** The mount points in `folder` and below it, in the order in which they were mounted; one stands as often as something was mounted there. */
export function mountsBelow(folder: string, table: string = readFileSync('/proc/self/mountinfo', 'utf8')): string[] {
  const points = table.split('\n').flatMap((line) => {
    const point = line.split(' ')[4];
    return point === undefined ? [] : [point.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))];
  });
  return points.filter((point) => point === folder || point.startsWith(`${folder}/`));
}
