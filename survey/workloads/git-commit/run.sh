for i in $(seq 6); do commit $i && ack $i; done
