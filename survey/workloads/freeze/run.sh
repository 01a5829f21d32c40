# Much metadata changes; freezing writes all of it to its place.
for i in 1 2 3; do
  for j in $(seq 80); do echo $j > d/a-file-with-quite-a-long-name-$i-$j; done
  for j in $(seq 1 3 80); do rm d/a-file-with-quite-a-long-name-$i-$j; done
  sync d
  mark "round $i is synced"
  fsfreeze -f $MNT && fsfreeze -u $MNT
  mark "round $i is written back"
done
