file=$MNT/d/file
[ -e "$file" ] || violated "the file is gone"
[ -s "$file" ] || violated "the file is empty" "$ACKED acknowledged"
n=$(sed -n '1s/version \([0-9]*\) of this file/\1/p' "$file")
[ -n "$n" ] && [ "$(yes "version $n of this file" | head -c 6000 | cksum)" = "$(cksum < "$file")" ] || violated "the file is neither the old nor the new one" "$(od -c "$file" | head -4)"
[ "$n" -ge "$ACKED" ] || violated "an older version is back than the one acknowledged" "version $n, $ACKED acknowledged"
kept
