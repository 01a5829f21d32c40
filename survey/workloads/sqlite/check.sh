[ -e "$MNT/db" ] || violated "the database is gone"
said=$(program usr/bin/sqlite3 "$MNT/db" 'PRAGMA synchronous=OFF; PRAGMA integrity_check; SELECT (SELECT count(*) FROM t) || " " || (SELECT coalesce(max(n), 0) FROM t) || " " || (SELECT count(*) FROM u);' 2>&1) || violated "the database cannot be read" "$said"
[ "$(echo "$said" | sed -n 1p)" = ok ] || violated "the integrity check fails" "$said"
set -- $(echo "$said" | sed -n 2p)
rows="$1 transactions up to $2, $3 rows beside them, $ACKED acknowledged"
[ "$1" = "$2" ] && [ "$3" = $((2 * $1)) ] || violated "a transaction is there in part" "$rows"
[ "$1" -ge "$ACKED" ] || violated "acknowledged transactions are lost" "$rows"
kept
