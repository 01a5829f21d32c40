# A server of one process: it recovers as any does, and leaves nothing that runs.
bin=usr/lib/postgresql/17/bin
rm -f "$MNT/data/postmaster.pid"
# The server refuses to be root's, and only root can look into all folders on the way to it. In a name space of users it is both.
chown -R 0:0 "$MNT/data" || violated "the server's files are gone"
ask() {
  unshare -U --map-user=65534 --map-group=65534 \
    "$SURVEY_TREE/usr/lib64/ld-linux-x86-64.so.2" --library-path "$SURVEY_TREE/usr/lib/x86_64-linux-gnu" --argv0 "$SURVEY_TREE/$bin/postgres" "$SURVEY_TREE/$bin/postgres" --single -j -F -D "$MNT/data" -c log_min_messages=warning postgres 2>&1
}
said=$(ask <<'END'
SELECT 'answer ' || (SELECT count(*) FROM t) || ' ' || (SELECT coalesce(max(n), 0) FROM t) || ' ' || (SELECT count(*) FROM u WHERE text = md5(n::text)) || ' ' || (SELECT coalesce(sum(length(text)), 0) FROM t) AS a;

END
)
answer=$(echo "$said" | sed -n 's/.*a = "answer \([0-9 ]*\)".*/\1/p')
[ -n "$answer" ] || violated "the server refuses its files" "$(echo "$said" | tail -5)"
set -- $answer
rows="$1 transactions up to $2, $3 rows beside them, $4 characters, $ACKED acknowledged"
[ "$1" = "$2" ] && [ "$3" = $((2 * $1)) ] && [ "$4" = $((960 * $1)) ] || violated "a transaction is there in part" "$rows"
[ "$1" -ge "$ACKED" ] || violated "acknowledged transactions are lost" "$rows"
kept
