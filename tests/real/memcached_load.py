# SPDX-License-Identifier: Apache-2.0
"""memcached_load: clients of a memcached that set, get, count, delete, come and go."""

import random
import socket

CLIENTS = 8
SIZES = (12, 40, 100, 100, 300, 700, 700, 2500, 9000)
MEAN_BYTES = sum(SIZES) / len(SIZES)
SET_SHARE = 0.6


class MemcachedLoad:
    def __init__(self, path, seed):
        self.path, self.chance = path, random.Random(seed)
        self.noise = self.chance.randbytes(max(SIZES))
        self.next_key = self.sent = 0
        self.clients = [self.connect() for _ in range(CLIENTS)]

    def connect(self):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(20)
        client.connect(self.path)
        return client

    def command(self):
        kind = self.chance.random()
        if kind < SET_SHARE:
            self.next_key += 1
            value = self.noise[:self.chance.choice(SIZES)]
            return b"set key:%d 0 %d %d\r\n%s\r\n" % (
                self.next_key, self.chance.choice((0, 0, 0, 2)), len(value), value)
        key = self.chance.randint(1, self.next_key + 1)
        if kind < 0.9:
            return b"get key:%d key:%d\r\n" % (key, key // 2)
        return b"delete key:%d\r\n" % key if kind < 0.95 else b"incr key:%d 1\r\n" % key

    def send(self, count):
        client = self.chance.choice(self.clients)
        client.sendall(b"".join(self.command() for _ in range(count)) + b"mn\r\n")
        answers = b""
        while not answers.endswith(b"MN\r\n"):
            part = client.recv(1 << 16)
            if not part:
                raise OSError("memcached has hung up")
            answers = answers[-4:] + part
        if self.chance.random() < 0.2:
            at = self.chance.randrange(len(self.clients))
            self.clients[at].close()
            self.clients[at] = self.connect()

    def close(self):
        for client in self.clients:
            client.close()
