#!/bin/sh
#SBATCH --job-name=explore
#SBATCH --cpus-per-task=2
# sbatch --array=1-16 slurm.sh run.vpmrec --mount ext4 --check ./check.sh --where guest
# Then, when all have ended: vpmem explore --merge shard-*.json --html report.html
set -u
recording=$1
shift
vpmem explore "$recording" "$@" --jobs 2 \
    --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" --json "shard-$SLURM_ARRAY_TASK_ID.json"
# 1 is a violation: the merged report tells.
[ $? -le 1 ]
