cd $MNT
mkdir d
# Version n is 6000 bytes of one text: torn or mixed ones are seen.
version() { yes "version $1 of this file" | head -c 6000; }
version 0 > d/file
