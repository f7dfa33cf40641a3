# SPDX-License-Identifier: Apache-2.0
my %kept;
$kept{$_ * 7919 % 10007} .= "x$_" for 1 .. 20000;
print join(",", map { "$_=$kept{$_}" } (sort { $a <=> $b } keys %kept)[0 .. 50]), "\n";
my $pid = fork;
if (!$pid) {
    print STDERR "child\n";
    exit 3;
}
waitpid $pid, 0;
print $? >> 8, `echo from a child`;
open my $pipe, "|-", "sort -r" or die;
print $pipe "a\nb\n";
close $pipe;
eval { die "caught\n" };
print $@;
warn "warned\n";
exit 9;
