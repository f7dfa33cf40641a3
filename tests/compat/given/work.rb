# SPDX-License-Identifier: Apache-2.0
require 'json'

counts = Hash.new(0)
20000.times { |i| counts[(i * 7919 % 1009).to_s] += 1 }
puts counts.to_a.sort.first(20).to_json
threads = (1..4).map { |i| Thread.new { (1..1000).map { |x| x.to_s * i }.join.size } }
puts threads.map(&:value).inspect
puts `echo from a child`
pid = fork { exit! 4 }
Process.wait pid
puts $?.exitstatus
reader, writer = IO.pipe
fork { writer.puts 'from a fork'; exit! 0 }
writer.close
puts reader.read
GC.start
warn 'to stderr'
exit 5
