cd $MNT
: > log
