# The file system begins with half of the disk.
case $FS in
  ext4) mkfs.ext4 -q -F -b 4096 -E lazy_itable_init=0,lazy_journal_init=0 $DISK $(($(blockdev --getsize64 $DISK) / 2 / 4096)) ;;
esac
mount_disk
cd $MNT
yes content | head -c 100000 > file
sync .
