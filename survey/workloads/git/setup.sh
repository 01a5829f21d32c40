# WORK: commit, gc or push.
cat > /root/.gitconfig <<END
[user]
  name = survey
  email = survey@localhost
[gc]
  auto = 0
[core]
  fsync = $CORE_FSYNC
[init]
  defaultBranch = main
END
if [ $WORK = push ]; then
  git init -q --bare $MNT/repository
  # What it is pushed from is not on the disk.
  git clone -q $MNT/repository /tmp/work 2> /dev/null
  cd /tmp/work
  publish() { git push -q origin main; }
else
  git init -q $MNT/repository
  cd $MNT/repository
  publish() { :; }
fi
commit() { echo "content $1" > file$(($1 % 3)) && git add . && git commit -q -m "commit $1" && publish; }
commit 0
[ $WORK != gc ] || for i in 1 2 3 4 5; do commit $i; done
