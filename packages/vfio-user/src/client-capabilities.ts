// vfio-user 0.2, VFIO_USER_VERSION, capabilities: what a client may say of itself there, and what it may not.

/** What is wrong with a value, in words that follow its name; undefined if nothing is. */
type Check = (value: unknown) => string | undefined;

const PAGE = 4096;

const isNumber = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0;
const isPowerOfTwo = (value: number): boolean => Number.isInteger(Math.log2(value));
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);

const number: Check = (value) => (isNumber(value) ? undefined : 'is no number of 0 or more');
const boolean: Check = (value) => (typeof value === 'boolean' ? undefined : 'is neither true nor false');
/** One page size: every page of this host fits into it. */
const pageSize: Check = (value) => (isNumber(value) && value >= PAGE && isPowerOfTwo(value) ? undefined : `is no power of two from ${PAGE} on`);
/** Page sizes, or'ed together. All 64 bits may be in use, which a double still holds as long as the lowest twelve are not. */
const pageSizes: Check = (value) => (isNumber(value) && value > 0 && value % PAGE === 0 ? undefined : `holds no page size, or one below ${PAGE}`);

/** An object with these members, all of which may be left out; others mean nothing to this server. */
function object(members: Readonly<Record<string, Check>>): Check {
  return (value) => {
    if (!isObject(value)) return 'is no object';
    for (const [name, check] of Object.entries(members)) {
      const problem = name in value ? check(value[name]) : undefined;
      if (problem !== undefined) return problem.startsWith('.') ? `.${name}${problem}` : `.${name} ${problem}`;
    }
    return undefined;
  };
}

const versionText = object({
  capabilities: object({
    max_msg_fds: number,
    max_data_xfer_size: number,
    max_dma_maps: number,
    pgsizes: pageSizes,
    migration: object({ pgsize: pageSize, max_bitmap_size: number }),
    twin_socket: object({ supported: boolean, fd_index: number }),
    write_multiple: boolean,
  }),
});

/** What is wrong with the JSON of a VERSION message, if anything. */
export function checkVersionText(value: unknown): string | undefined {
  const problem = versionText(value);
  return problem === undefined ? undefined : `the JSON text of VERSION${problem.startsWith('.') ? `: ${problem.slice(1)}` : ` ${problem}`}`;
}
