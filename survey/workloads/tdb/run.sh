# What tdbtool runs as a command of the system is one word.
cat > /tmp/acknowledge <<'END'
#!/bin/sh
n=$(($(cat /tmp/count) + 1))
echo $n > /tmp/count
echo ack $n > /dev/pmem1 && sync /dev/pmem1
END
chmod +x /tmp/acknowledge
echo 0 > /tmp/count
{
  echo "open store.tdb"
  for i in $(seq 12); do
    echo "transaction_start"
    echo "store a$i $(head -c 700 /dev/zero | tr '\0' v)"
    echo "store b$i $i"
    echo "transaction_commit"
    echo "! /tmp/acknowledge"
  done
} > /tmp/work
tdbtool < /tmp/work > /tmp/said
