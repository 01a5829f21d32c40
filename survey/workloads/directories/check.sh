# What has to be there after each of the four steps of a round, whatever came of the next one.
at() { [ "$(cat "$MNT/$1" 2>&1)" = "content $i" ]; }
i=0
while [ $i -lt 5 ]; do
  i=$((i + 1))
  step=$((ACKED - 4 * i + 4))
  [ $step -lt 1 ] || at a/d$i/f || at b/e$i/f || at a/link$i || violated "a file is gone from both directories" "round $i, $ACKED acknowledged"
  [ $step -lt 2 ] || [ ! -e "$MNT/a/d$i" ] || violated "a directory that was moved is at its old place" "round $i, $ACKED acknowledged"
  [ $step -lt 3 ] || at a/link$i || violated "an acknowledged link is not there" "round $i, $ACKED acknowledged"
  [ $step -lt 4 ] || [ ! -e "$MNT/b/e$i" ] || violated "a directory that was removed is there again" "round $i, $ACKED acknowledged"
  # Of a directory that is moved there is one.
  [ ! -e "$MNT/a/d$i" ] || [ ! -e "$MNT/b/e$i" ] || violated "a directory is in two places" "round $i"
done
kept
