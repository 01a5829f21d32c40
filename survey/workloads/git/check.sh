cd "$MNT/repository" 2> /dev/null || violated "the repository is gone"
export GIT_CONFIG_COUNT=3 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*' GIT_CONFIG_KEY_1=core.commitGraph GIT_CONFIG_VALUE_1=false GIT_CONFIG_KEY_2=core.multiPackIndex GIT_CONFIG_VALUE_2=false
git() { program usr/bin/git "$@" 2>&1; }
said=$(git log -1 --format=%s main) || violated "the branch cannot be read" "$said"
n=${said#commit }
# Objects that nothing refers to may be anything; those of the branch may not.
fsck=$(git rev-list --objects main) || violated "an object of the branch is missing or damaged" "$fsck"
fsck=$(git fsck --connectivity-only --no-dangling --no-reflogs main) || violated "an object of the branch is missing or damaged" "$fsck"
for object in $(git rev-list --objects main | cut -d' ' -f1); do
  fsck=$(git cat-file -t "$object" && git cat-file -p "$object") || violated "an object of the branch is missing or damaged" "$object: $fsck"
done
[ "$(git show "main:file$((n % 3))")" = "content $n" ] || violated "a commit has other content" "commit $n"
[ "$n" -ge "$ACKED" ] || violated "acknowledged commits are lost" "$n of $ACKED"
# A bare repository has none.
[ $WORK = push ] || index=$(git ls-files) || violated "the index cannot be read" "$index"
kept
