if [ $WORK = gc ]; then
  # All of this was durable before: gc is to lose none of it.
  ack 5
  git gc -q --prune=now
  mark collected
  commit 6 && ack 6
else
  for i in $(seq 6); do commit $i && ack $i; done
fi
