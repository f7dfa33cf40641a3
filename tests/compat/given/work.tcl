# SPDX-License-Identifier: Apache-2.0
for {set i 0} {$i < 20000} {incr i} { lappend kept([expr {$i * 7 % 101}]) $i }
puts [llength [array names kept]]
puts [exec echo from a child]
puts stderr {to stderr}
puts [regsub -all {\d+} {a1b22} {<&>}]
catch {error caught} message
puts $message
exit 3
