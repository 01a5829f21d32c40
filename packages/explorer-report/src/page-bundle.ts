import { readFileSync } from 'node:fs';

/** What the build makes of the page's modules, which it writes in one form only, but for the quotes. The same from `src` and from `dist`. */
const ENTRY = new URL('../dist/page/page/report-page.js', import.meta.url);
const IMPORT = /^import (\{.*\}) from ['"](\..*)['"];$/gm;
const EXPORT = /^export (?=(?:async )?(?:function|class|const) (\w+))/gm;

/**
 * The page's script as one text: its modules, each after those that it imports and in a scope of its own. Anything but named
 * imports of its own modules and exported declarations is an error.
 */
export function pageScript(entry = ENTRY): string {
  const [numbers, texts] = [new Map<string, number>(), new Array<string>()];
  const add = (file: URL): number => {
    const known = numbers.get(file.href);
    if (known !== undefined) return known;
    const text = readFileSync(file, 'utf8');
    const names = [...text.matchAll(EXPORT)].map(([, name = '']) => name);
    const body = text
      .replaceAll(IMPORT, (_, imported: string, from: string) => `const ${imported.replaceAll(' as ', ': ')} = module${add(new URL(from, file))};`)
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
