cd $MNT
tdbtool > /dev/null <<END
create store.tdb
insert first 0
END
