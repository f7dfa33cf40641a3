# SPDX-License-Identifier: Apache-2.0
"""Threads, a pool of forked processes, a child, and a fork by hand."""

import collections
import json
import multiprocessing
import os
import re
import subprocess
import sys
import threading

words = collections.Counter()


def work(count):
    for i in range(count):
        words[re.sub(r"[0-9]", "x", str(i * 7919))] += 1


def square(x):
    return x * x


threads = [threading.Thread(target=work, args=(2000,)) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps(sorted(words.items())))
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(sum(pool.map(square, range(1000))))
print(subprocess.run(["echo", "from a child"], capture_output=True).stdout, flush=True)
pid = os.fork()
if pid == 0:
    os._exit(9)
print(os.waitpid(pid, 0)[1] >> 8)
sys.stderr.write("to stderr\n")
sys.exit(5)
