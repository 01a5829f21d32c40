# What the scripts of all workloads begin with, in the guest.
DISK=/dev/pmem0
MNT=/mnt/disk
# Puts a text into the recording, and comes back when it is in it.
mark() { echo "$*" > /dev/pmem1 && sync /dev/pmem1; }
# A promise with its number: everything up to it was said to be done.
ack() { mark "ack $1"; }
mount_disk() { mount -t "$FS" ${MOUNT:+-o "$MOUNT"} $DISK $MNT; }
