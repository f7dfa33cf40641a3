# SPDX-License-Identifier: Apache-2.0
"""pages.py PORT [FOLDER]: serves the files of a folder until it gets a SIGTERM, and ends with 0."""

import http.server
import os
import signal
import sys

os.chdir(sys.argv[2] if len(sys.argv) > 2 else ".")
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])),
                                         http.server.SimpleHTTPRequestHandler)
signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0))
server.serve_forever()
