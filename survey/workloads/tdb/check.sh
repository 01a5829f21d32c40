[ -e "$MNT/store.tdb" ] || violated "the database is gone"
said=$(printf 'open %s\ncheck\nkeys\n' "$MNT/store.tdb" | program usr/bin/tdbtool 2>&1)
case $said in *'Could not open'*) violated "the database cannot be opened" "$said" ;; esac
echo "$said" | grep -q 'Database integrity is OK' || violated "the integrity check fails" "$said"
a=$(echo "$said" | grep -c ' a[0-9]*$')
b=$(echo "$said" | grep -c ' b[0-9]*$')
[ "$a" = "$b" ] || violated "a transaction is there in part" "$a and $b of $ACKED acknowledged"
[ "$a" -ge "$ACKED" ] || violated "acknowledged transactions are lost" "$a of $ACKED"
kept
