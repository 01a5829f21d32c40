#!/bin/sh
# parallel.sh RECORDING SHARDS [options of vpmem explore]: all shards by GNU parallel, as many at once as there are processors, then one report.
set -eu
recording=$1 shards=$2
shift 2
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
# 1 is a violation, which the merged report tells; anything above is a job that went wrong, and ends it all.
seq "$shards" | parallel --quote --halt soon,fail=1 sh -c '"$@"; [ $? -le 1 ]' explore \
    vpmem explore "$recording" "$@" --shard "{}/$shards" --json "$out/{}.json"
vpmem explore --merge "$out"/*.json --json report.json --html report.html
