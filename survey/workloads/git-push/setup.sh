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
git init -q --bare $MNT/repository
# What it is pushed from is not on the disk.
git clone -q $MNT/repository /tmp/work 2> /dev/null
cd /tmp/work
push() { echo "content $1" > file$(($1 % 3)) && git add . && git commit -q -m "commit $1" && git push -q origin main; }
push 0
