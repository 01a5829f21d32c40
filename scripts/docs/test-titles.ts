import { readFileSync } from 'node:fs';
import ts from 'typescript';
import type { TestTitle } from './conformance-rows.ts';
import { findFiles } from './workspace.ts';

const ID = '(?:AMB-\\d{2}|[A-Z]{3,4}-D?\\d{1,2})';
const TITLE = new RegExp(`^((?:${ID} )+)(\\S.*)$`);

/** Every name of a test or a case that begins with the ids of statements, from the tests and the suites they run. */
export function readTestTitles(): TestTitle[] {
  const files = ['packages', 'apps'].flatMap((folder) => findFiles(folder, '.ts')).filter(isTest);
  return files.sort().flatMap((file) => titlesIn(file));
}

function isTest(file: string): boolean {
  return !/\/(dist|node_modules)\//.test(file) && (file.endsWith('.test.ts') || /\/src\/testing(\.ts|\/)/.test(file) || /^(packages|apps)\/[^/]+\/tests\//.test(file));
}

function titlesIn(file: string): TestTitle[] {
  const titles: TestTitle[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node)) {
      const [, ids, text] = TITLE.exec(node.text) ?? [];
      if (ids !== undefined && text !== undefined) titles.push({ ids: ids.trim().split(' '), text, file });
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest));
  return titles;
}
