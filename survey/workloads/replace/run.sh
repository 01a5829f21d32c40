for i in $(seq 10); do
  version $i > d/new
  case $SYNC in file*) sync d/new ;; esac
  mv d/new d/file
  case $SYNC in after) sync d/file ;; *directory) sync d ;; esac
  ack $i
done
