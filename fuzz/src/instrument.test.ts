import { describe, expect, it } from 'vitest';
import { instrument } from './instrument.ts';

/** Without the first line's import, and every point called P. */
function body(source: string): string {
  return instrument(source, 'a.js', 'c').code.replace(/^import .*?\); /, '').replaceAll(/\$hit\(\d+\)/g, 'P');
}

describe('instrument', () => {
  it.each([
    ['function f() { g(); }', 'function f() {P; g(); }'],
    ['const f = (x) => x + 1;', 'const f = (x) => (P,x + 1);'],
    ['const f = () => ({ a: 1 });', 'const f = () => (P,({ a: 1 }));'],
    ['if (a) b(); else c();', 'if (a) {P;b();} else {P;c();}'],
    ['if (a) { b(); } else if (c) { d(); }', 'if (a) {P; b(); } else {P;if (c) {P; d(); }}'],
    ['while (a) b();', 'while (a) {P;b();}'],
    ['for (const x of y) { z(); }', 'for (const x of y) {P; z(); }'],
    ['switch (a) { case "x:": b(); break; default: c(); }', 'switch (a) { case "x:":P; b(); break; default:P; c(); }'],
    ['a ? b : c;', 'a ? (P,b) : (P,c);'],
    ['a ?? b;', 'a ?? (P,b);'],
    ['a && (b || c);', 'a && (P,(b || (P,c)));'],
    ['try { a(); } catch { b(); }', 'try { a(); } catch {P; b(); }'],
    ['f(new Uint8Array(n).fill(1));', 'f($made(new Uint8Array(n)).fill(1));'],
    ['x = text.repeat(n);', 'x = $made(text.repeat(n));'],
    ['x = a?.concat(b).length;', 'x = a?.concat(b).length;'],
    ['a ? b => c ? d : e : f;', 'a ? (P,b => (P,c ? (P,d) : (P,e))) : (P,f);'],
  ])('%s', (source, expected) => {
    expect(body(source)).toBe(expected);
  });

  it('moves no line, counts its points, and tells the values that stand in the code', () => {
    const { code, points } = instrument('if (a === 0x1af4) {\n  b("VERSION");\n}\n', 'a.js', 'file:///c.js');
    expect(points).toBe(1);
    expect(code.split('\n')).toHaveLength(4);
    expect(code).toMatch(/^import \{ hit as \$hit, made as \$made, loaded as \$loaded \} from "file:\/\/\/c.js"; \$loaded\(1, \[6900,"VERSION"\]\); if/);
  });

  it('gives a point the same number whatever else there is, and points of other files others', () => {
    const number = (file: string): string | undefined => /\$hit\((\d+)\)/.exec(instrument('if (a) b();', file, 'c').code)?.[1];
    expect(number('a.js')).toBe(number('a.js'));
    expect(number('a.js')).not.toBe(number('b.js'));
  });
});
