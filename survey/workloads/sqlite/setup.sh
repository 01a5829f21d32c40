cd $MNT
sqlite3 db "PRAGMA journal_mode=$JOURNAL; CREATE TABLE t(n INTEGER PRIMARY KEY, text); CREATE TABLE u(n INTEGER PRIMARY KEY, text);" > /dev/null
