/** How a guest boots: with what is quicker under TCG, or as its packages would boot anywhere. */
export type BootWay = 'quick' | 'plain';

/** What the kernel is told in any case: a TSC that QEMU makes up needs no calibration, and nobody attacks this guest. */
const ALWAYS = ['console=ttyS0', 'panic=0', 'tsc=reliable', 'no_timer_check', 'mitigations=off', 'nokaslr', 'random.trust_cpu=on'];

/**
 * What halves the time of a boot, and takes from memory, file systems and drivers nothing but looks at themselves: no tests of
 * ciphers, no security modules, no accounting, no random places. No watchdog either: where the host has no time for the guest, it
 * sees lockups that there are not. Pages are zeroed before their use, as Debian has it: by that a response that no device could write
 * reads as success. With one processor the kernel would take the lock from each of its locked instructions, one page mapping for each.
 * The console has warnings and worse, each character of which is a call of the host's kernel; all else is what `dmesg` shows.
 */
const QUICK = [
  ...['lsm=capability', 'hardened_usercopy=off', 'audit=0', 'cgroup_disable=memory', 'norandmaps', 'nowatchdog', 'cryptomgr.notests', 'noreplace-smp'],
  'loglevel=5',
  // Randomness from jitter, keys of keyrings, names of values in traces, the files of traces, places that cannot be traced; certificates,
  // a hash that tries itself, what programs of BPF may call.
  `initcall_blacklist=${['jent_mod_init', 'crypto_kdf108_init', 'init_encrypted', 'trace_eval_init', 'tracer_init_tracefs', 'load_system_certificate_list', 'ftrace_check_for_weak_functions', 'blake2s_mod_init', 'bpf_tcp_ca_kfunc_init', 'bpf_dummy_struct_ops_init'].join(',')}`,
];

/** The kernel's command line. @param more what comes behind it, and so overrides it */
export function kernelLine(way: BootWay, ...more: readonly string[]): string {
  return [...ALWAYS, ...(way === 'quick' ? QUICK : []), ...more].join(' ');
}
