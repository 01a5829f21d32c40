[ -z "$SURVEY_TREE" ] || export PYTHONHOME=$SURVEY_TREE/usr
said=$(program usr/bin/python3.13 - "$MNT/db" "$ACKED" 2>&1 <<'END'
import sys, plyvel
path, acked = sys.argv[1], int(sys.argv[2])
try:
    db = plyvel.DB(path, paranoid_checks=True)
    keys = [key for key, value in db.iterator(verify_checksums=True)]
except plyvel.Error as error:
    print(error)
    print('the database cannot be read')
    sys.exit(1)
both = [{int(key[1:]) for key in keys if key[:1] == kind} for kind in (b'a', b'b')]
print('batches', sorted(both[0]), 'acknowledged', acked)
if both[0] != both[1]:
    print('a batch is there in part')
    sys.exit(1)
if both[0] != set(range(1, len(both[0]) + 1)):
    print('a batch is missing before a later one')
    sys.exit(1)
if len(both[0]) < acked:
    print('acknowledged batches are lost')
    sys.exit(1)
END
)
case $? in
  0) kept ;;
  1) echo "$said"; exit 1 ;;
  *) echo "$said"; exit 125 ;;
esac
