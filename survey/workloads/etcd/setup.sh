# Its sockets are files of that name in the folder in which it runs.
cd /tmp
etcd --data-dir $MNT/etcd --listen-client-urls unix://client:1 --advertise-client-urls unix://client:1 --listen-peer-urls unix://peer:1 \
  --initial-advertise-peer-urls http://localhost:2380 --initial-cluster default=http://localhost:2380 --snapshot-count 20 --log-level warn > /tmp/etcd.log 2>&1 &
server=$!
client() { ETCDCTL_API=3 etcdctl --endpoints=unix://client:1 "$@"; }
while ! client get ready > /dev/null 2>&1; do kill -0 $server || { cat /tmp/etcd.log; exit 1; }; sleep 0.2; done
