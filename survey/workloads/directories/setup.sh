cd $MNT
mkdir a b
