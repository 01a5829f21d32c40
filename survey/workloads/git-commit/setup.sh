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
git init -q $MNT/repository
cd $MNT/repository
commit() { echo "content $1" > file$(($1 % 3)) && git add . && git commit -q -m "commit $1"; }
commit 0
