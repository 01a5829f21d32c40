for i in 1 2; do install $i && ack $i; done
