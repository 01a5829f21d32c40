{
  echo "open store.tdb"
  for i in $(seq 12); do
    echo "transaction_start"
    echo "store a$i $(head -c 700 /dev/zero | tr '\0' v)"
    echo "store b$i $i"
    echo "transaction_commit"
    echo "! echo ack $i > /dev/pmem1 && sync /dev/pmem1"
  done
} > /tmp/work
tdbtool < /tmp/work > /tmp/said
