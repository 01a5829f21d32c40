import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

/** Imports and exports in the one form that the build writes them in, but for the quotes. */
const IMPORT = /^import (\{.*\}) from ['"](\.[^'"]*|@vpmem\/[^'"]*)['"];$/gm;
const EXPORT = /^export (?=(?:async )?(?:function|class|const) (\w+))/gm;
/** What only a debugger of the separate files has a use for. */
const MAP = /^\/\/# sourceMappingURL=.*$/gm;

/**
 * The script of a page as one text: built modules, each after those that it imports and in a scope of its own. Anything but named imports
 * of its own modules and of packages of ours, and exported declarations, is an error.
 */
export function pageScript(entry: URL): string {
  const [numbers, texts] = [new Map<string, number>(), new Array<string>()];
  const add = (file: URL): number => {
    const known = numbers.get(file.href);
    if (known !== undefined) return known;
    const text = readFileSync(file, 'utf8').replaceAll(MAP, '');
    const names = [...text.matchAll(EXPORT)].map(([, name = '']) => name);
    const body = text
      .replaceAll(IMPORT, (_, imported: string, from: string) => `const ${imported.replaceAll(' as ', ': ')} = module${add(resolve(from, file))};`)
      .replaceAll(EXPORT, '')
      .replaceAll(/^export \{\};$/gm, '');
    if (/^(?:import|export)\b/m.test(body)) throw new Error(`${file.pathname} imports or exports in a way that the page's bundle does not understand`);
    const number = texts.length;
    numbers.set(file.href, number);
    texts.push(`const module${number} = (() => {\n${body.trim()}\nreturn { ${names.join(', ')} };\n})();`);
    return number;
  };
  add(entry);
  return texts.join('\n');
}

function resolve(from: string, file: URL): URL {
  return from.startsWith('.') ? new URL(from, file) : pathToFileURL(createRequire(file).resolve(from));
}
