for i in $(seq 6); do push $i && ack $i; done
