cd $MNT
for i in 1 2 3; do yes $i | head -c 20000 > file$i; chown $i file$i; done
sync .
