/** Names of what the agent and its host have to agree on. */
export const AGENT = {
  /** Of the virtio-serial port. */
  port: 'check',
  device: '/dev/pmem0',
  /** Where a file system is mounted. */
  mount: '/mnt',
  /** Folders that are empty at the beginning of each check. */
  out: '/run/check',
  scratch: '/tmp',
} as const;

/**
 * What takes requests in the guest, for a Perl without any module: perl-base is small, and can make system calls, so that a mount costs no
 * process. Under TCG, starting one takes longer than a mount.
 *
 * A message in either direction is its length in 4 bytes, and that many bytes: strings, each behind its length in 4 bytes, all
 * big-endian. Requests: `put` PATH MODE BYTES INTERPRETER; `check` and the members that `check` below takes;
 * `end`, which ends the checker that runs: the guest's own clock may be wrong, as it is measured while the host is busy. Answers: `step` NAME while a check runs; `done`, then names and values.
 */
export const AGENT_PROGRAM = String.raw`
my %call = (mount => 165, umount => 166, setsid => 112, prctl => 157, pidfd => 434, close => 3, exit => 60);
my ($device, $point, $out, $tmp, $tmpfs, $room, $none) = ('${AGENT.device}', '${AGENT.mount}', '${AGENT.out}', '${AGENT.scratch}', 'tmpfs', 'size=50%', '');
my ($limit, $busy, $subreaper, $exclusive) = (65536, 16, 36, 0200);

$SIG{PIPE} = 'IGNORE';
# What a checker leaves behind becomes our child, so that it is seen, and its end can be waited for.
syscall($call{prctl}, $subreaper, 1, 0, 0, 0);
mkdir $out;
fresh($out);
fresh($tmp);
sysopen(my $log, '/dev/kmsg', 04000) or die "/dev/kmsg: $!";
sysopen(my $port, $ARGV[0], 2) or die "$ARGV[0]: $!";
our @mounts = mounts();
tell_host('ready');

for (;;) {
  my ($kind, @members) = unpack('(N/a)*', take(unpack('N', take(4))));
  if ($kind eq 'put') { tell_host('done', error => put(@members)) }
  elsif ($kind eq 'check') { tell_host('done', check(@members)) }
  elsif ($kind eq 'end') { next }
  else { tell_host('done', error => "what is $kind") }
}

sub take {
  my ($want) = @_;
  my $bytes = '';
  while (length($bytes) < $want) {
    my $count = sysread($port, $bytes, $want - length($bytes), length($bytes));
    die "the port: $!" if !$count;
  }
  return $bytes;
}

sub tell_host {
  my $message = pack('N/a*', pack('(N/a*)*', @_));
  while (length($message)) {
    my $count = syswrite($port, $message);
    die "the port: $!" if !$count;
    substr($message, 0, $count) = '';
  }
}

sub put {
  my ($path, $mode, $bytes, $interpreter) = @_;
  return "it is run by $interpreter, which the guest does not have; name the Debian package that has it" if $interpreter ne '' && !-x $interpreter;
  for (my $at = index($path, '/', 1); $at > 0; $at = index($path, '/', $at + 1)) { mkdir substr($path, 0, $at) }
  unlink $path;
  open(my $file, '>', $path) or return "$path: $!";
  print {$file} $bytes;
  close($file) or return "$path: $!";
  chmod(oct($mode), $path) or return "$path: $!";
  return '';
}

sub fresh {
  my ($folder) = @_;
  syscall($call{mount}, $tmpfs, $folder, $tmpfs, 0, $room);
}

sub has_any {
  my ($folder) = @_;
  opendir(my $list, $folder) or return 1;
  for my $name (readdir $list) { return 1 if $name ne '.' && $name ne '..' }
  return 0;
}

# Makes a folder empty for the next check.
sub empty {
  my ($folder) = @_;
  return if !has_any($folder);
  syscall($call{umount}, $folder, 2);
  fresh($folder);
}

# What the kernel has said since the last call, without what stands before each line.
sub kernel_said {
  my $said = '';
  while (sysread($log, my $record, 8192)) {
    my ($head, $text) = split(/;/, $record, 2);
    my ($level) = split(/,/, $head);
    $said .= ($level & 7) . ' ' . (split(/\n/, $text))[0] . "\n";
  }
  return $said;
}

sub mount_disk {
  my ($type, $flags, $options) = @_;
  my $source = $type eq $tmpfs ? $tmpfs : $device;
  $flags += 0;
  return syscall($call{mount}, $source, $point, $type, $flags, $options) == 0 ? 0 : $! + 0;
}

# Where anything is mounted, in the order in which it was.
sub mounts {
  open(my $list, '<', '/proc/self/mounts') or die "/proc/self/mounts: $!";
  my @points;
  while (my $line = readline($list)) {
    my $path = (split(/ /, $line))[1];
    $path =~ s/\\([0-7]{3})/chr(oct($1))/ge;
    push @points, $path;
  }
  return @points;
}

# Takes away what a checker has mounted and left.
sub unmount_strays {
  my %left;
  $left{$_}++ for @mounts;
  for my $path (reverse mounts()) {
    next if $path eq $point && $_[0] || $left{$path} && $left{$path}-- > 0;
    syscall($call{umount}, $path, 2);
  }
}

# Whoever used it is dead; what the kernel still has to do for them it does without telling anybody.
sub unmount_disk {
  for my $try (0 .. 200) {
    return 0 if syscall($call{umount}, $point, 0) == 0;
    return $! + 0 if $! != $busy;
    unmount_strays(1) if $try == 0;
    select(undef, undef, undef, 0.01) if $try > 0;
  }
  return $busy;
}

# Whether nothing has the device mounted any more.
sub is_free {
  for my $try (0 .. 200) {
    return 1 if sysopen(my $disk, $device, $exclusive);
    return 0 if $! != $busy;
    unmount_strays(0) if $try == 0;
    select(undef, undef, undef, 0.01) if $try > 0;
  }
  return 0;
}

sub check {
  my ($type, $flags, $options, $kept, $script, $argument, %environment) = @_;
  sysseek($log, 0, 2);
  if ($type ne '') {
    my $problem = mount_disk($type, $flags, $options);
    return (mount => $problem, kernel => kernel_said()) if $problem != 0;
    if (!$kept) {
      $problem = unmount_disk();
      return (unmount => $problem) if $problem != 0;
    }
  }
  tell_host('step', 'check');
  my %answer = run($script, $argument, \%environment);
  empty($out);
  empty($tmp);
  if ($type ne '' && $kept) {
    tell_host('step', 'unmount');
    $answer{unmount} = unmount_disk();
  }
  $answer{left} = !is_free() + 0;
  return %answer;
}

sub run {
  my ($script, $argument, $environment) = @_;
  pipe(my $from_out, my $to_out);
  pipe(my $from_err, my $to_err);
  my $pid = fork();
  return (problem => "fork: $!") if !defined $pid;
  if ($pid == 0) {
    syscall($call{setsid});
    chdir '/';
    open(STDIN, '<', '/dev/null');
    open(STDOUT, '>&', $to_out);
    open(STDERR, '>&', $to_err);
    %ENV = %{$environment};
    # The agent ignores it, and a program would go on writing to a pipe that nobody reads.
    $SIG{PIPE} = 'DEFAULT';
    exec {'/bin/sh'} 'sh', '-c', $script, 'sh', $argument;
    syscall($call{exit}, 127);
  }
  close($to_out);
  close($to_err);
  my $end = syscall($call{pidfd}, $pid, 0);
  my %text = (out => '', err => '', both => '');
  my %pipe = (out => $from_out, err => $from_err);
  my $late = 0;
  for (;;) {
    my $ready = '';
    vec($ready, fileno($pipe{$_}), 1) = 1 for keys %pipe;
    vec($ready, $_, 1) = 1 for $end, fileno($port);
    next if select($ready, undef, undef, undef) <= 0;
    for my $name (keys %pipe) { hear(\%pipe, \%text, $name) if vec($ready, fileno($pipe{$name}), 1) }
    last if vec($ready, $end, 1);
    if (vec($ready, fileno($port), 1)) {
      take(unpack('N', take(4)));
      $late = 1;
      last;
    }
  }
  syscall($call{close}, $end);
  my $status = 0;
  if (!$late) {
    waitpid($pid, 0);
    $status = $?;
  }
  my $other;
  1 while ($other = waitpid(-1, 1)) > 0;
  my $strays = $other == 0 && !$late ? 1 : 0;
  kill('KILL', -1);
  1 while waitpid(-1, 0) > 0;
  for my $name (keys %pipe) { 1 while hear(\%pipe, \%text, $name) }
  return (status => $status >> 8, signal => $status & 127, late => $late, strays => $strays, %text);
}

# Reads once; false at the end.
sub hear {
  my ($pipe, $text, $name) = @_;
  return 0 if !exists $pipe->{$name};
  my $count = sysread($pipe->{$name}, my $bytes, 65536);
  if (!$count) {
    delete $pipe->{$name};
    return 0;
  }
  for my $each ($name, 'both') {
    $text->{$each} .= $bytes;
    substr($text->{$each}, 0, -$limit) = '' if length($text->{$each}) > $limit;
  }
  return 1;
}
`;
