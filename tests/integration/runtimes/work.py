# SPDX-License-Identifier: Apache-2.0
"""work: calls its native part, or keeps ever more of its own objects. For test_runtimes."""

import ctypes
import sys
import time

handle = ctypes.CDLL("./native_part.so").handle
hoard = ()
for turn in range(60):
    if sys.argv[1] == "hoards":
        for number in range(5000):
            hoard = (hoard, number)
    else:
        handle(int(sys.argv[1] == "leaks"))
    time.sleep(0.05)
