const ID = '(?:AMB-\\d{2}|[A-Z]{3,4}-D?\\d{1,2})';
const NAME = new RegExp(`^((?:${ID} )+)(\\S.*)$`);

/** The name of a test, taken apart: the ids of statements it begins with, and what follows; undefined if it begins with none. */
export function splitName(name: string): { readonly ids: readonly string[]; readonly text: string } | undefined {
  const [, ids, text] = NAME.exec(name) ?? [];
  return ids === undefined || text === undefined ? undefined : { ids: ids.trim().split(' '), text };
}
