cat > /tmp/store.py <<'END'
import os, plyvel
marks = os.open('/dev/pmem1', os.O_WRONLY | os.O_DSYNC)

def store(first, last):
    # Each batch fills a sixth of the log, so that there are several, and tables of what was in them.
    db = plyvel.DB('/mnt/disk/db', create_if_missing=True, write_buffer_size=65536)
    for i in range(first, last + 1):
        with db.write_batch(transaction=True, sync=SYNC) as batch:
            batch.put(b'a%04d' % i, os.urandom(6000))
            batch.put(b'b%04d' % i, b'%d' % i)
        os.pwrite(marks, b'ack %d\n' % i, 0)
    db.close()
END
sed -i "1i SYNC = $SYNC" /tmp/store.py
cd /tmp
python3 -c 'import plyvel; plyvel.DB("/mnt/disk/db", create_if_missing=True).close()'
