#!/usr/bin/env sh
':' /*
# A QEMU as libvirt wants one: a program without arguments of its own, in front of the real QEMU. Both a script for sh and a
# module for node. What can have no device of ours (a probe of what QEMU can do) becomes QEMU before node starts.
_vpmem_conf=${VPMEM_QEMU_CONF:-/etc/vpmem/qemu.conf}
_vpmem_fail() {
  echo "vpmem-qemu-system-x86_64: $1" >&2
  exit 1
}

# The real QEMU: what the file names, or else the first in PATH that is not this program, nor a script that led back here.
_vpmem_skip=
case $VPMEM_EMULATOR in "$$ "* | "$PPID "*) _vpmem_skip=${VPMEM_EMULATOR#* } ;; esac
unset VPMEM_EMULATOR
_vpmem_qemu=
if [ -r "$_vpmem_conf" ]; then
  while IFS= read -r _vpmem_line || [ -n "$_vpmem_line" ]; do
    _vpmem_line=${_vpmem_line#"${_vpmem_line%%[![:space:]]*}"}
    case $_vpmem_line in qemu=* | qemu[[:space:]]*=*) ;; *) continue ;; esac
    _vpmem_qemu=${_vpmem_line#*=}
    _vpmem_qemu=${_vpmem_qemu#"${_vpmem_qemu%%[![:space:]]*}"}
    _vpmem_qemu=${_vpmem_qemu%"${_vpmem_qemu##*[![:space:]]}"}
    [ -f "$_vpmem_qemu" ] && [ -x "$_vpmem_qemu" ] || _vpmem_fail "$_vpmem_conf: qemu = $_vpmem_qemu: there is no such program; name QEMU with its whole path"
  done < "$_vpmem_conf"
fi
if [ -z "$_vpmem_qemu" ]; then
  _vpmem_path=$PATH:
  while [ -n "$_vpmem_path" ]; do
    _vpmem_try=${_vpmem_path%%:*}/qemu-system-x86_64
    _vpmem_path=${_vpmem_path#*:}
    case $_vpmem_skip: in *":$_vpmem_try:"*) continue ;; esac
    if [ -f "$_vpmem_try" ] && [ -x "$_vpmem_try" ] && ! [ "$_vpmem_try" -ef "$0" ]; then
      _vpmem_qemu=$_vpmem_try
      break
    fi
  done
fi
[ -n "$_vpmem_qemu" ] || _vpmem_fail "no qemu-system-x86_64 in PATH but this program; write 'qemu = /path/of/qemu-system-x86_64' into $_vpmem_conf"
if [ "$_vpmem_qemu" -ef "$0" ]; then _vpmem_fail "$_vpmem_conf: qemu = $_vpmem_qemu: is this program itself; name the real QEMU"; fi
case $_vpmem_skip: in *":$_vpmem_qemu:"*) _vpmem_fail "$_vpmem_conf: qemu = $_vpmem_qemu: leads back to this program; name the real QEMU" ;; esac
IFS= read -r _vpmem_line < "$_vpmem_qemu"
case $_vpmem_line in '#!'*) export VPMEM_EMULATOR="$$ $_vpmem_skip:$_vpmem_qemu" ;; esac

# Whether there can be no device of ours. A word behind an option that takes one is no option, whatever it looks like.
_vpmem_plain=
_vpmem_machine=
_vpmem_option=
for _vpmem_word do
  case $_vpmem_option in
    '') ;;
    machine | M)
      case $_vpmem_word in type=*) _vpmem_word=${_vpmem_word#type=} ;; esac
      _vpmem_word=${_vpmem_word%%,*}
      case $_vpmem_word in help | '?') _vpmem_plain=1 ;; *=*) ;; *) _vpmem_machine=$_vpmem_word ;; esac
      _vpmem_option=
      continue
      ;;
    accel | audiodev | chardev | cpu | d | device | display | netdev | object | trace | vga)
      case $_vpmem_word in help | '?') _vpmem_plain=1 ;; esac
      _vpmem_option=
      continue
      ;;
    *)
      _vpmem_option=
      continue
      ;;
  esac
  case $_vpmem_word in -?*) ;; *) continue ;; esac
  _vpmem_word=${_vpmem_word#-}
  case ${_vpmem_word#-} in
    h | help | version) _vpmem_plain=1 ;;
    S | daemonize | enable-kvm | enable-sync-profile | full-screen | jitdump | mem-prealloc | no-acpi | no-fd-bootchk | no-hpet | no-reboot | no-shutdown) ;;
    no-user-config | nodefaults | nographic | old-param | only-migratable | perfmap | preconfig | s | semihosting | snapshot | usb | win2k-hack | xen-attach | xen-domid-restrict) ;;
    *) _vpmem_option=${_vpmem_word#-} ;;
  esac
done
if [ -n "$_vpmem_plain" ] || [ "$_vpmem_machine" = none ]; then exec "$_vpmem_qemu" "$@"; fi

# Which descriptors were passed, as in vpmem.js.
VPMEM_DESCRIPTORS=$$:
for _vpmem_fd in /proc/self/fd/*; do
  case ${_vpmem_fd#/proc/self/fd/} in [012] | *[!0-9]*) continue ;; esac
  if [ -L "$_vpmem_fd" ] && ! [ "$_vpmem_fd" -ef "$0" ]; then VPMEM_DESCRIPTORS="$VPMEM_DESCRIPTORS ${_vpmem_fd#/proc/self/fd/}"; fi
done
VPMEM_REAL_QEMU=$_vpmem_qemu
export VPMEM_DESCRIPTORS VPMEM_REAL_QEMU
exec node "$0" "$@"
# */
import '../dist/qemu/emulator.js';
