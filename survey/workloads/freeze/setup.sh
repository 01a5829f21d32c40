cd $MNT
mkdir d
