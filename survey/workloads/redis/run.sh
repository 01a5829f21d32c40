for i in $(seq 6); do store $i; done
[ "$REWRITE" != yes ] || cli bgrewriteaof > /dev/null
for i in 7 8; do store $i; done
# Until it has come into effect, so that what follows is in the new files.
while cli info persistence | grep -q 'aof_rewrite_in_progress:1\|aof_rewrite_scheduled:1'; do sleep 0.05; done
for i in $(seq 9 12); do store $i; done
cli shutdown nosave
wait
