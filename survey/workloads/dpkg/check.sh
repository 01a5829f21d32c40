root=$MNT/root
status=$root/var/lib/dpkg/status
[ -s "$status" ] || violated "the list of installed packages is gone or empty"
said=$(program usr/bin/dpkg-query --admindir="$root/var/lib/dpkg" -W -f='${Version} ${Status}' survey 2>&1) || violated "the list of installed packages cannot be read" "$said"
version=${said%% *}
# Unpacked in part is a state that dpkg knows of and that the next run ends; a file is of one version or another in any case.
for each in one two; do
  file=$root/usr/share/survey/$each
  [ -s "$file" ] || violated "an installed file is gone or empty" "$file, $said"
  n=$(sed -n '1s/version //p' "$file")
  [ "$(yes "version $n" | head -c 5000 | cksum)" = "$(cksum < "$file")" ] || violated "an installed file is torn" "$file, $said"
  case $said in *' ok installed') [ "$n" = "$version" ] || violated "a package counts as installed, and its files are of another version" "$file is of $n, $said" ;; esac
done
# While a version is replaced, its own number stands until the next one is unpacked.
[ "$version" -ge "$ACKED" ] || violated "an acknowledged installation is lost" "$said, $ACKED acknowledged"
kept
