import { ExploreError } from '@vpmem/explorer';
import { checkTimeout, DEFAULT_TIMEOUT, quote, type Checker } from './checker.ts';

/** What `$output` has that tells of no fault is left out, and the first line that remains is what failures are grouped by. */
function sayFirst(...innocent: string[]): string {
  return `printf '%s\\n' "$output" | sed "s|$1|disk|g" | grep -v ${innocent.map((each) => `-e ${quote(each)}`).join(' ')} -e '^ *$' | head -n 1`;
}

/** e2fsck(8): 1 and 2 are repairs, 4 is errors that are left, 8 a file system it cannot open; from 16 on it was used in a wrong way. */
const EXT4 = `output=$(e2fsck -fn "$1" 2>&1); status=$?
printf '%s\\n' "$output"
case $status in 0) exit 0;; 16|32|126|127|128) exit 125;; esac
${sayFirst('^e2fsck [0-9]', '^Pass [0-9]')}
exit 1`;

/**
 * Replays the journal and frees what the list of orphans has, as the kernel does when it mounts, and where the two differ, as the kernel does:
 * a journal that is torn in its middle is no mount; one with entries that the superblock does not ask for is wiped, and nothing of it replayed.
 */
const EXT4_REPLAY = `output=$(e2fsck -p "$1" 2>&1); status=$?
case $output in *'needs_recovery flag is clear, but journal has data'*)
  output=$(tune2fs -f -O ^has_journal "$1" 2>&1 && e2fsck -p "$1" 2>&1); status=$?;;
esac
case $status in 16|32|126|127|128) printf '%s\\n' "$output"; exit 125;; esac
case $status$output in [01]*'ournal checksum error'*) ;; [01]*) exit 0;; esac
printf '%s\\n' "$output"
${sayFirst('recovering journal$', '^tune2fs [0-9]')}
exit 1`;

/** xfs_repair(8) */
const XFS = `output=$(xfs_repair -n "$1" 2>&1); status=$?
printf '%s\\n' "$output"
case $status in 0) exit 0;; 126|127) exit 125;; esac
${sayFirst('^Phase [0-9]', '^  *- ', '^No modify flag set', '^Inode allocation btrees are too corrupted')}
exit 1`;

/** What was there before anything was promised need not be there. */
function wantFile(path: string): string {
  return `file="$1"/${quote(path)}
if [ ! -e "$file" ]; then
  printf '%s\\n' ${quote(`${path} is not there`)}
  [ -n "$VPMEM_ACKED" ] || exit 77
  exit 1
fi`;
}

/** Compares two numbers, of which the shell cannot hold the longest. */
const COMPARE = `echo "$have of $VPMEM_ACKED"
case $have$VPMEM_ACKED in
  ???????????????????*) awk -v have="$have" -v want="$VPMEM_ACKED" 'BEGIN { exit !(have + 0 >= want + 0) }' && exit 0;;
  *) [ "$have" -ge "$VPMEM_ACKED" ] && exit 0;;
esac
echo 'acknowledged and lost'
exit 1`;

/** Both questions to one sqlite3(1): starting it takes longer than its answer. Opening the file rolls a hot journal back, which is its recovery. */
function sqliteScript(path: string, query: string | undefined): string {
  return `${wantFile(path)}
query=${quote(query ?? '')}
[ -n "$VPMEM_ACKED" ] || query=
output=$(sqlite3 -batch -init /dev/null -cmd 'PRAGMA integrity_check' "$file" "$query" 2>&1); status=$?
case $status in 126|127) printf '%s\\n' "$output"; exit 125;; esac
newline='
'
first=\${output%%"$newline"*}
if [ "$first" != ok ] || [ $status != 0 ]; then
  printf '%s\\n' "$output"
  [ "$first" = ok ] || printf '%s\\n' "$output" | grep -v '^\\*\\*\\*' | head -n 1
  exit 1
fi
[ -n "$query" ] || exit 0
have=
[ "$output" = ok ] || have=\${output#*"$newline"}
case $have in '') have=0;; *[!0-9]*) printf '%s\\n' "$have"; echo 'the query gives no number'; exit 1;; esac
${COMPARE}`;
}

function ackedScript(path: string): string {
  return `${wantFile(path)}
[ -n "$VPMEM_ACKED" ] || exit 77
have=$(awk 'match($0, /^[0-9]+/) { n = substr($0, 1, RLENGTH) + 0; if (n > most) most = n } END { printf "%.0f", most }' "$file") || exit 1
${COMPARE}`;
}

const FORMS = 'ext4, xfs, sqlite:PATH[:QUERY] and acked:PATH';

/**
 * A checker that needs no program of the user's, by its name: `ext4` and `xfs`, the file system's own check after its journal was replayed;
 * `sqlite:PATH`, whose integrity_check has to be ok; `sqlite:PATH:QUERY`, whose one number has to be at least the one acknowledged;
 * `acked:PATH`, of which the largest number that a line begins with has to be. Before a number was acknowledged, a file that is not
 * there makes the state inapplicable.
 *
 * @throws ExploreError for another name
 */
export function builtInChecker(name: string, options: { readonly timeout?: number } = {}): Checker {
  const [kind = '', path, ...rest] = name.split(':');
  const common = { name, worker: false, wantsNumbers: false, timeout: checkTimeout(options.timeout ?? DEFAULT_TIMEOUT) } as const;
  if (name === 'ext4') return { ...common, looksAt: 'disk', script: EXT4, replay: EXT4_REPLAY, needs: ['e2fsck'], replayNeeds: ['tune2fs'], fileSystem: 'ext4' };
  if (name === 'xfs') return { ...common, looksAt: 'disk', script: XFS, needs: ['xfs_repair'], fileSystem: 'xfs' };
  if (kind !== 'sqlite' && kind !== 'acked') throw new ExploreError(`there is no checker ${name}; there are ${FORMS}`);
  if (path === undefined || path === '') throw new ExploreError(`checker ${kind} wants the path of a file under the mount point: ${kind}:PATH`);
  if (kind === 'acked') {
    const whole = [path, ...rest].join(':');
    return { ...common, looksAt: 'files', script: ackedScript(whole), needs: [], wantsNumbers: true };
  }
  const query = rest.length === 0 ? undefined : rest.join(':').trim();
  if (query === '') throw new ExploreError('checker sqlite:PATH:QUERY wants a query that gives one number, such as SELECT max(id) FROM log');
  return { ...common, looksAt: 'files', script: sqliteScript(path, query), needs: ['sqlite3'], wantsNumbers: query !== undefined };
}

/** Whether a text is the name of a built-in checker, and so no command. */
export function isBuiltIn(text: string): boolean {
  return text === 'ext4' || text === 'xfs' || /^(sqlite|acked):/.test(text) || text === 'sqlite' || text === 'acked';
}
