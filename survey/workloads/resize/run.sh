[ "$ONLINE" = yes ] || { cd /; umount $MNT; mark unmounted; e2fsck -fp $DISK > /tmp/said || true; mark checked; }
resize2fs $DISK > /tmp/said 2>&1 || { cat /tmp/said; exit 1; }
sync $DISK
mark resized
