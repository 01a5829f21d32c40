# Twelve transactions over two tables, each acknowledged when COMMIT has returned. With WAL there are checkpoints among them.
{
  echo "PRAGMA journal_mode=$JOURNAL; PRAGMA synchronous=$SYNCHRONOUS; PRAGMA wal_autocheckpoint=12;"
  for i in $(seq 12); do
    echo "BEGIN; INSERT INTO t VALUES($i, hex(randomblob(300))); INSERT INTO u VALUES(2 * $i, hex(randomblob(300))), (2 * $i + 1, hex(randomblob(900))); COMMIT;"
    echo ".shell echo ack $i > /dev/pmem1 && sync /dev/pmem1"
  done
} > /tmp/work.sql
sqlite3 -bail db < /tmp/work.sql > /dev/null
