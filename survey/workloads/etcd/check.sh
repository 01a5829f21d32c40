cd "$VPMEM_OUT"
rm -f client:1 peer:1
launch usr/bin/etcd --data-dir "$MNT/etcd" --listen-client-urls unix://client:1 --advertise-client-urls unix://client:1 --listen-peer-urls unix://peer:1 \
  --initial-advertise-peer-urls http://localhost:2380 --initial-cluster default=http://localhost:2380 --unsafe-no-fsync --heartbeat-interval 10 --election-timeout 100 --log-level warn > etcd.log 2>&1 &
server=$!
client() { ETCDCTL_API=3 program usr/bin/etcdctl --endpoints=unix://client:1 "$@" 2>&1; }
while ! keys=$(client get --prefix key --keys-only); do
  kill -0 $server 2> /dev/null || violated "the server refuses its files" "$(tail -3 etcd.log)"
done
kill -9 $server
wait $server
count=$(echo "$keys" | grep -c '^key')
last=$(echo "$keys" | sed -n 's/^key0*//p' | tail -1)
[ "$count" = "${last:-0}" ] || violated "a key is missing before a later one" "$keys"
[ "$count" -ge "$ACKED" ] || violated "acknowledged writes are lost" "$count of $ACKED"
kept
