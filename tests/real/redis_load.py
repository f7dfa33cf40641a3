# SPDX-License-Identifier: Apache-2.0
"""redis_load: clients of a redis-server that use most of its types, come, go and break off."""

import random
import socket

CLIENTS = 8
# Bytes of values; a few are most of the memory, as everywhere.
SIZES = (12, 40, 40, 100, 100, 300, 700, 700, 2500, 9000)
MEAN_BYTES = sum(SIZES) / len(SIZES)
# Members of a set, fields of a hash and so on. There are so many keys of each type that all of them
# together are full after a tenth of the commands.
MEMBERS = 60
COMMANDS_FOR_A_NAME = 7500
# How many of a hundred commands each kind is.
MIX = (("set_new", 40), ("get", 12), ("set_expiring", 8), ("counter", 4), ("append", 3),
       ("hash", 8), ("list", 8), ("members", 6), ("sorted", 6), ("several", 2), ("scripted", 1),
       ("published", 1), ("transaction", 1))
SET_NEW_SHARE = 0.4


def command(*words):
    encoded = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(encoded) + b"".join(
        b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)


class RedisLoad:
    def __init__(self, path, seed, commands):
        self.path, self.chance = path, random.Random(seed)
        self.name_count = max(4, int(commands) // COMMANDS_FOR_A_NAME)
        self.noise = self.chance.randbytes(max(SIZES)).replace(b"\r", b"x")
        self.next_key = self.sent = 0
        self.clients = [self.connect() for _ in range(CLIENTS)]
        self.listener = self.connect()
        self.listener.sendall(command("subscribe", "news"))
        self.makers = [getattr(self, name) for name, _ in MIX]
        self.weights = [weight for _, weight in MIX]

    def connect(self):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(20)
        client.connect(self.path)
        return client

    def value(self):
        return self.noise[:self.chance.choice(SIZES)]

    def name(self, type_):
        return "%s:%d" % (type_, self.chance.randrange(self.name_count))

    # ---- kinds of commands ---------------------------------------------------------------------

    def set_new(self):
        self.next_key += 1
        return command("set", "key:%d" % self.next_key, self.value())

    def get(self):
        return command("get", "key:%d" % self.chance.randint(1, self.next_key + 1))

    def set_expiring(self):
        return command("set", "soon:%d" % self.chance.randrange(5000), self.value(),
                       "px", self.chance.choice((50, 300, 1500)))

    def counter(self):
        return command("incr", self.name("counter"))

    def append(self):
        name = self.name("text")
        if self.chance.random() < 0.1:
            return command("del", name)
        return command("append", name, self.value()[:700])

    def hash(self):
        name, field = self.name("hash"), "field %d" % self.chance.randrange(MEMBERS)
        if self.chance.random() < 0.45:
            return command("hdel", name, field)
        if self.chance.random() < 0.02:
            return command("del", name)
        return command("hset", name, field, self.value()[:300])

    def list(self):
        name = self.name("list")
        if self.chance.random() < 0.3:
            return command("ltrim", name, 0, 40)
        if self.chance.random() < 0.2:
            return command("lrange", name, 0, 20)
        return command("lpush", name, self.value()[:700])

    def members(self):
        name, member = self.name("set"), "member %d" % self.chance.randrange(MEMBERS)
        return command("srem" if self.chance.random() < 0.5 else "sadd", name, member)

    def sorted(self):
        name = self.name("sorted")
        if self.chance.random() < 0.15:
            return command("zremrangebyrank", name, MEMBERS // 2, -1)
        # A long name makes another encoding of it.
        member = "%d%s" % (self.chance.randrange(MEMBERS), " x" * self.chance.choice((0, 40)))
        return command("zadd", name, self.chance.randrange(10000), member)

    def several(self):
        names = [self.name("several") for _ in range(5)]
        return command("mset", *(word for name in names for word in (name, self.value()[:100])))

    def scripted(self):
        return command("eval", "return redis.call('get', KEYS[1])", 1, self.name("several"))

    def published(self):
        return command("publish", "news", self.value()[:300])

    def transaction(self):
        name = self.name("several")
        return (command("multi") + command("set", name, self.value()[:100])
                + command("sort", self.name("set"), "alpha", "limit", 0, 5) + command("exec"))

    # ---- what a server sees --------------------------------------------------------------------

    def send(self, count):
        """Commands on one connection, and waits for the answers."""
        batch = b"".join(self.chance.choices(self.makers, self.weights)[0]() for _ in range(count))
        self.sent += 1
        last = b"$%d\r\n%d\r\n" % (len(str(self.sent)), self.sent)
        client = self.chance.choice(self.clients)
        client.sendall(batch + command("echo", self.sent))
        answers = b""
        while not answers.endswith(last):
            part = client.recv(1 << 16)
            if not part:
                raise OSError("redis-server has hung up")
            answers = answers[-len(last):] + part
        self.listener.setblocking(False)
        try:
            self.listener.recv(1 << 16)
        except BlockingIOError:
            pass
        if self.chance.random() < 0.3:
            self.come_and_go()

    def come_and_go(self):
        """A client hangs up, one in three within a command, and another one comes."""
        at = self.chance.randrange(len(self.clients))
        if self.chance.random() < 0.3:
            self.clients[at].sendall(command("set", "broken", self.value())[:-10])
        self.clients[at].close()
        self.clients[at] = self.connect()

    def close(self):
        for client in self.clients + [self.listener]:
            client.close()
