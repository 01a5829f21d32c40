#!/usr/bin/env sh
':' /*
# Both a script for sh and a module for node. node marks the descriptors it is given close-on-exec and opens its own among
# them; so which they are is noted before it starts, for QEMU, which is to get them. The process stays the same.
VPMEM_DESCRIPTORS=$$:
for _vpmem_fd in /proc/self/fd/*; do
  case ${_vpmem_fd#/proc/self/fd/} in [012] | *[!0-9]*) continue ;; esac
  # What the list itself was read with is closed by now, and the shell has this file open.
  if [ -L "$_vpmem_fd" ] && ! [ "$_vpmem_fd" -ef "$0" ]; then VPMEM_DESCRIPTORS="$VPMEM_DESCRIPTORS ${_vpmem_fd#/proc/self/fd/}"; fi
done
export VPMEM_DESCRIPTORS
exec node "$0" "$@"
# */
import '../dist/main.js';
