# Each step is acknowledged when all directories that have to do with it are synced.
for i in 1 2 3 4 5; do
  mkdir a/d$i && echo "content $i" > a/d$i/f && sync a/d$i/f a/d$i a
  ack $((4 * i - 3))
  mv a/d$i b/e$i && sync a b b/e$i
  ack $((4 * i - 2))
  ln b/e$i/f a/link$i && sync a b/e$i/f
  ack $((4 * i - 1))
  rm b/e$i/f && sync b/e$i && rmdir b/e$i && sync b
  ack $((4 * i))
done
