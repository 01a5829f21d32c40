import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runInThisContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pageScript } from './page-script.ts';

describe('pageScript', () => {
  let folder: string;
  const write = (name: string, text: string): URL => {
    writeFileSync(join(folder, name), text);
    return pathToFileURL(join(folder, name));
  };
  /** As a module: what one declares, another may declare too. */
  const run = (script: string): unknown => runInThisContext(`(() => {${script}\n})()`);
  beforeEach(() => (folder = mkdtempSync(join(import.meta.dirname, '../dist/vpmem-bundle-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('has modules that declare the same names, each once and after what it imports', () => {
    write('a.js', 'const same = 1;\nexport function a() {\n    return same;\n}\n');
    write('b.js', 'import { a } from "./a.js";\nconst same = 2;\nexport const b = a() + same;\n');
    const script = pageScript(write('c.js', 'import { a as first } from "./a.js";\nimport { b } from "./b.js";\nglobalThis.bundled = [first(), b];\n'));
    run(script);
    expect((globalThis as { bundled?: unknown }).bundled).toEqual([1, 3]);
    expect(script.match(/const same = 1/g)).toHaveLength(1);
  });

  it('takes a module of a package of ours as one of its own, and leaves out where its source is', () => {
    const script = pageScript(write('c.js', 'import { readable } from "@vpmem/page-kit/readable-text";\nglobalThis.bundled = readable("a\\tb");\n'));
    run(script);
    expect((globalThis as { bundled?: unknown }).bundled).toBe('a b');
    expect(script).not.toContain('sourceMappingURL');
  });

  it.each(['import all from "./a.js";', 'import * as all from "./a.js";', 'import { x } from "left-pad";', 'export * from "./a.js";', 'export default 1;'])('refuses %s', (line) => {
    write('a.js', '');
    expect(() => pageScript(write('c.js', `${line}\n`))).toThrow('c.js imports or exports in a way that the page\'s bundle does not understand');
  });
});
