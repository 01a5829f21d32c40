mkdir $MNT/redis
cat > /tmp/redis.conf <<END
port 0
unixsocket /tmp/redis.sock
dir $MNT/redis
save ""
appendonly yes
appendfsync $APPENDFSYNC
auto-aof-rewrite-percentage 0
END
redis-server /tmp/redis.conf > /tmp/redis.log 2>&1 &
cli() { redis-cli -s /tmp/redis.sock "$@"; }
while ! cli ping > /dev/null 2>&1; do kill -0 $! || { cat /tmp/redis.log; exit 1; }; sleep 0.1; done
store() { cli -x set key$1 < /tmp/value > /dev/null && cli incr count > /dev/null && ack $1; }
# Values longer than a page.
head -c 5000 /dev/zero | tr '\0' v > /tmp/value
