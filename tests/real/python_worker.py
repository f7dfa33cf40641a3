# SPDX-License-Identifier: Apache-2.0
"""python_worker: a Python program that imports, and then works on and on.

    python_worker.py SECONDS ROUNDS_PER_SECOND SEED

Everything it keeps is bounded and full in the first half of its time.
"""

import collections
import functools
import importlib
import json
import queue
import random
import re
import sqlite3
import string
import sys
import threading
import time

MODULES = """argparse ast asyncio base64 calendar cmd configparser contextlib csv ctypes dataclasses
decimal difflib dis email.message enum fractions gettext glob gzip hashlib heapq html.parser
http.client http.server imaplib inspect ipaddress locale logging mailbox multiprocessing netrc
optparse pdb pickle pkgutil plistlib pprint profile pydoc secrets shelve smtplib socketserver ssl
statistics
struct subprocess tarfile tempfile textwrap tokenize traceback typing unittest urllib.request uuid
wave xml.dom.minidom xml.etree.ElementTree xmlrpc.client zipfile""".split()
SECONDS, RATE = float(sys.argv[1]), float(sys.argv[2])
KEPT = int(0.25 * SECONDS * RATE)  # orders

chance = random.Random(int(sys.argv[3]))


class Order:
    total = 0

    def __init__(self, number, lines):
        self.number, self.lines, self.note = number, lines, None

    def price(self):
        return sum(line["price"] * line["count"] for line in self.lines)


class UrgentOrder(Order):
    __slots__ = ("until",)

    def price(self):
        return 1.2 * super().price()


class Refused(Exception):
    pass


def word():
    return "".join(chance.choices(string.ascii_lowercase, k=chance.randint(3, 30)))


@functools.lru_cache(maxsize=200)
def described(number):
    return {"name": "article %d" % number, "tags": ["tag %d" % (number % 7), str(number * 0.5)]}


def new_order(number):
    lines = [{"name": described(chance.randrange(500))["name"], "price": chance.random(),
              "count": chance.randint(1, 9)} for _ in range(chance.randint(1, 8))]
    return chance.choice((Order, Order, UrgentOrder))(number, lines)


def as_text(order):
    text = json.dumps({"number": order.number, "lines": order.lines, "note": order.note})
    back = json.loads(text)
    return re.sub(r'"(\w+) (\d+)"', lambda match: match[2] + match[1], text) + str(len(back))


def with_exceptions(order):
    try:
        if order.price() > 12:
            raise Refused("order %d is too large: %s" % (order.number, word()))
    except Refused as error:
        order.note = str(error)


def in_order(lines):
    counts = collections.Counter(line["name"] for line in lines)
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


class Store:
    """A database in memory that keeps the last so many."""

    def __init__(self):
        self.base = sqlite3.connect(":memory:", check_same_thread=False)
        self.base.execute("CREATE TABLE orders(number INTEGER PRIMARY KEY, text TEXT)")

    def put(self, number, text):
        with self.base:
            self.base.execute("INSERT INTO orders VALUES(?, ?)", (number, text))
            self.base.execute("DELETE FROM orders WHERE number <= ?", (number - KEPT,))

    def find(self, pattern):
        rows = self.base.execute("SELECT number, length(text) FROM orders WHERE text LIKE ? "
                                 "ORDER BY number DESC LIMIT 5", ("%" + pattern + "%",))
        return [dict(zip(("number", "length"), row)) for row in rows]


def tree(depth):
    return [] if depth == 0 else [tree(depth - 1), {"depth": depth, "next": tree(depth - 1)}]


def consume(jobs, done):
    while True:
        job = jobs.get()
        if job is None:
            return
        done.append(as_text(job))


def serve(number, store, jobs, recent):
    order = new_order(number)
    with_exceptions(order)
    jobs.put(order)
    store.put(number, as_text(order))
    recent[number] = in_order(order.lines)
    if len(recent) > KEPT:
        recent.popitem(last=False)
    if number % 5 == 0:
        store.find(word()[:2])
    if number % 11 == 0:
        kept = tree(4)
        kept.append(kept)  # for the collector
    if number % 23 == 0:
        once = threading.Thread(target=as_text, args=(order,))
        once.start()
        once.join()


def main():
    start = time.monotonic()
    store, jobs, done = Store(), queue.Queue(50), collections.deque(maxlen=50)
    recent = collections.OrderedDict()
    threads = [threading.Thread(target=consume, args=(jobs, done)) for _ in range(2)]
    for thread in threads:
        thread.start()
    imported = 0
    for number in range(1, int(SECONDS * RATE) + 1):
        time.sleep(max(0.0, number / RATE - (time.monotonic() - start)))
        # Imports go on for the first two fifths of the time, as functions are first called.
        due = min(len(MODULES), int(len(MODULES) * number / (SECONDS * RATE) / 0.4) + 1)
        for name in MODULES[imported:due]:
            importlib.import_module(name)
        imported = due
        serve(number, store, jobs, recent)
    for _ in threads:
        jobs.put(None)
    for thread in threads:
        thread.join()


main()
