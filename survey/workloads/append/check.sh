[ -e "$MNT/log" ] || violated "the file is gone"
i=0
while [ $i -lt "$ACKED" ]; do
  i=$((i + 1))
  [ "$(sed -n "${i}p" "$MNT/log")" = "record $i $(head -c $((i * 40)) /dev/zero | tr '\0' x)" ] || violated "an acknowledged record is not there" "record $i of $ACKED: $(sed -n "${i}p" "$MNT/log" | od -c | head -2)"
done
kept
