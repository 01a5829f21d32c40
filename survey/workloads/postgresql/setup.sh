bin=/usr/lib/postgresql/17/bin
chown postgres $MNT /dev/pmem1
as() { setpriv --reuid postgres --regid postgres --clear-groups env HOME=/tmp "$@"; }
mkdir -p /run/postgresql && chown postgres /run/postgresql
as $bin/initdb -D $MNT/data -A trust --no-locale -E UTF8 --no-sync --no-instructions --wal-segsize=1 -k -c shared_buffers=8MB -c max_connections=5 -c min_wal_size=2MB -c max_wal_size=8MB -c autovacuum=off -c jit=off -c full_page_writes=$FULL_PAGE_WRITES > /tmp/initdb.log 2>&1 || { cat /tmp/initdb.log; exit 1; }
as $bin/pg_ctl -D $MNT/data -l /tmp/postgres.log -o '-k /run/postgresql -h ""' -w -t 100 start > /dev/null || { cat /tmp/postgres.log; exit 1; }
psql() { as $bin/psql -X -q -h /run/postgresql -U postgres -v ON_ERROR_STOP=1 postgres "$@"; }
psql -c 'CREATE TABLE t(n integer PRIMARY KEY, text text); CREATE TABLE u(n integer, text text)' -c CHECKPOINT
