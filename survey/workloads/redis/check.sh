# It is the server that reads its files, as it does after a power cut.
socket=$VPMEM_OUT/redis.sock
rm -f "$socket"
launch usr/bin/redis-server --port 0 --unixsocket "$socket" --dir "$MNT/redis" --save '' --appendonly yes --appendfsync no --auto-aof-rewrite-percentage 0 > "$VPMEM_OUT/redis.log" 2>&1 &
server=$!
cli() { program usr/bin/redis-cli -s "$socket" "$@" 2>&1; }
while said=$(cli ping); [ "$said" != PONG ]; do
  kill -0 $server 2> /dev/null || violated "the server refuses its files" "$(tail -3 "$VPMEM_OUT/redis.log")"
  sleep 0.02
done
count=$(cli get count)
i=0
problem=
while [ $i -lt "${count:-0}" ] && [ -z "$problem" ]; do
  i=$((i + 1))
  [ "$(cli strlen key$i)" = 5000 ] || problem="a key is missing before a later one"
done
cli shutdown nosave > /dev/null
wait $server
[ -z "$problem" ] || violated "$problem" "key $i of ${count}, $ACKED acknowledged"
[ "${count:-0}" -ge "$ACKED" ] || violated "acknowledged writes are lost" "${count:-0} of $ACKED"
kept
