# A checkpoint writes pages of tables in place, also a second time.
{
  for i in $(seq 12); do
    echo "BEGIN; INSERT INTO t SELECT $i, string_agg(md5(random()::text), '') FROM generate_series(1, 30); INSERT INTO u VALUES ($i, md5('$i')), ($i, md5('$i')); COMMIT;"
    echo "\\! echo ack $i > /dev/pmem1 && sync /dev/pmem1"
    [ $i != 5 ] && [ $i != 9 ] || echo "CHECKPOINT;"
  done
} > /tmp/work.sql
psql -f /tmp/work.sql
