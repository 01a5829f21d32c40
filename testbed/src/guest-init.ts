/** Starts each frame of the guest's agent; no text has it. */
export const FRAME = '\x1e';

/** Where the initramfs has the modules, and the list of them in the order to load them in. */
export const MODULES = { folder: 'modules', order: 'modules/order' } as const;

/**
 * The guest's first and only process of its own. It loads the modules, then takes commands from the second serial port:
 * a line of an id and an escaped script. Each answer lies between two frames, which carry the token of the kernel's
 * command line, so nothing a command writes can be taken for one. The kernel's messages go to the first port alone.
 */
export const INIT = String.raw`#!/bin/sh
export PATH=/bin HOME=/root TERM=dumb
/bin/mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /tmp

read -r line < /proc/cmdline
token=${'$'}{line##*vpmem.token=}
token=${'$'}{token%% *}
stty -F /dev/ttyS1 raw -echo
exec 3<> /dev/ttyS1

while read -r module; do
  problem=$(insmod "/modules/$module" 2>&1) || printf '\036%s broken %s: %s\n' "$token" "$module" "$problem" >&3
done < /${MODULES.order}

printf '\036%s ready\n' "$token" >&3
while read -r id script <&3; do
  printf '%b' "$script" > /tmp/command
  printf '\036%s begin %s\n' "$token" "$id" >&3
  (cd /root && exec sh /tmp/command < /dev/null >&3 2>&1 3>&-)
  printf '\036%s end %s %s\n' "$token" "$id" "$?" >&3
done
echo 'init: the command channel is gone'
poweroff -f
`;

/** `wait-for PATH [SECONDS]`: succeeds as soon as a file is there, or fails after the time. */
export const WAIT_FOR = `#!/bin/sh
# Nothing tells a shell of a new device node, so it has to look.
left=$((\${2:-60} * 20))
until [ -e "$1" ]; do
  [ "$left" -gt 0 ] || { echo "wait-for: no $1 after \${2:-60} s" >&2; exit 1; }
  left=$((left - 1))
  sleep 0.05
done
`;
