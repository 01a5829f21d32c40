# Versions of a package of two files, with 5000 bytes of the version's number in each.
package() {
  mkdir -p /tmp/p$1/DEBIAN /tmp/p$1/usr/share/survey
  printf 'Package: survey\nVersion: %s\nArchitecture: all\nMaintainer: survey <survey@localhost>\nDescription: survey\n' $1 > /tmp/p$1/DEBIAN/control
  for each in one two; do yes "version $1" | head -c 5000 > /tmp/p$1/usr/share/survey/$each; done
  dpkg-deb -Znone --root-owner-group --build /tmp/p$1 /tmp/p$1.deb > /dev/null
}
for i in 0 1 2; do package $i; done
install() { dpkg --root=$MNT/root --force-bad-path --log=/tmp/dpkg.log --install /tmp/p$1.deb > /tmp/said 2>&1 || { cat /tmp/said; exit 1; }; }
mkdir -p $MNT/root/var/lib/dpkg/info $MNT/root/var/lib/dpkg/updates
: > $MNT/root/var/lib/dpkg/status
install 0
