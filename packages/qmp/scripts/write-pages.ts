/** Writes the pages about QMP that are made from the schema. Run anywhere. */
import { writeFileSync } from 'node:fs';
import { differencesPage, referencePage } from '../src/reference-page.ts';

const docs = new URL('../../../docs/', import.meta.url);
writeFileSync(new URL('qmp-reference.md', docs), referencePage());
writeFileSync(new URL('qmp-differences.md', docs), differencesPage());
