for i in $(seq 15); do
  # Lines of different lengths, so that some cross a block.
  printf 'record %d %s\n' $i "$(head -c $((i * 40)) /dev/zero | tr '\0' x)" >> log
  case $SYNC in fsync) sync log ;; fdatasync) sync -d log ;; esac
  ack $i
done
