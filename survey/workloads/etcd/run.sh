for i in $(seq 10); do client put key$(printf %02d $i) "$(head -c 3000 /dev/zero | tr '\0' v)" > /dev/null && ack $i; done
kill -9 $server
