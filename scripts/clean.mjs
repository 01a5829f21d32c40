// Removes everything that was built, and what was installed: the next task sets up anew.
import { readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folders = ['packages', 'apps'].flatMap((folder) => readdirSync(join(root, folder)).map((name) => join(folder, name)));
for (const folder of ['.', 'testbed', 'bench', 'survey', 'fuzz', 'examples', ...folders]) {
  for (const made of ['dist', '.turbo', '.readme', '.api', '.programs', 'node_modules']) rmSync(join(root, folder, made), { recursive: true, force: true });
}
