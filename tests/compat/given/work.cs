// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading;

class Work
{
    static int Main()
    {
        var counts = new SortedDictionary<string, int>();
        for (int i = 0; i < 50000; i++) {
            string key = (i * 7919 % 1009).ToString();
            counts[key] = counts.TryGetValue(key, out int count) ? count + 1 : 1;
        }
        Console.WriteLine(counts.Count + " " + counts.Values.Sum());
        long sum = 0;
        var threads = Enumerable.Range(1, 4).Select(n => new Thread(() => {
            var kept = new List<byte[]>();
            for (int i = 0; i < 2000; i++)
                kept.Add(new byte[i % 300]);
            Interlocked.Add(ref sum, kept.Sum(bytes => (long)bytes.Length) * n);
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        GC.Collect();
        Console.WriteLine(sum);
        var start = new ProcessStartInfo("echo", "from a child") {
            RedirectStandardOutput = true, UseShellExecute = false };
        Console.Write(Process.Start(start).StandardOutput.ReadToEnd());
        try {
            throw new InvalidOperationException("caught");
        } catch (InvalidOperationException error) {
            Console.WriteLine(error.Message);
        }
        Console.Error.WriteLine("to stderr");
        return 3;
    }
}
