mount_disk
for i in 1 2 3; do echo content > $MNT/file$i; done
umount $MNT
