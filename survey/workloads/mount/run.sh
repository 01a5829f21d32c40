for i in 1 2; do
  mark "round $i begins"
  mount_disk
  ack $((4 * i - 3))
  echo "content $i" > $MNT/file$i && sync $MNT/file$i
  ack $((4 * i - 2))
  mark "round $i is about to be unmounted"
  umount $MNT
  ack $((4 * i - 1))
done
