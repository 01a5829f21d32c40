# What the checkers of all workloads begin with. $1 is where the disk is mounted, VPMEM_ACKED the largest number that was promised.
MNT=$1
ACKED=${VPMEM_ACKED:-0}
# The end of a check: of a violation first the line that groups it, then what a reader wants to know besides.
kept() { echo "kept"; exit 0; }
violated() { [ -z "$2" ] || echo "$2"; echo "$1"; exit 1; }
# launch PATH ARGUMENT…: becomes a program of the survey's own tree of Debian, or that of this machine where there is no tree.
launch() {
  path=$1; shift
  [ -n "$SURVEY_TREE" ] || exec "${path##*/}" "$@"
  exec "$SURVEY_TREE/usr/lib64/ld-linux-x86-64.so.2" --library-path "$SURVEY_TREE/usr/lib/x86_64-linux-gnu" --argv0 "$path" "$SURVEY_TREE/$path" "$@"
}
# The same, and comes back. In the background it is `launch` whose number $! is.
program() { (launch "$@"); }
