# SPDX-License-Identifier: Apache-2.0
"""real_programs: programs from Debian, and the work that they are given.

All input is made here, the same every time, so that figures of different days can be compared.
"""

import os
import shutil
import subprocess
import time

import measure
from variants import Unfit


class Command:
    name = ""

    def __init__(self):
        self.inputs = {}  # size: what make_input returned

    def missing(self):
        raise NotImplementedError

    def prepared(self, box, size):
        """argv, and keywords for measure.run; the input is made when first asked for."""
        if size not in self.inputs:
            self.inputs[size] = self.make_input(box, size)
        return self.command(self.inputs[size])


def program_of_gcc(name):
    try:
        found = subprocess.run(["gcc", "-print-prog-name=" + name], capture_output=True, text=True)
    except OSError:
        return None
    path = found.stdout.strip()
    return path if os.path.isabs(path) else None


# One unit of C: what compilers meet in most programs. @ is the unit's number.
C_UNIT = r"""
struct item_@ {
    struct item_@ *next;
    char name[24];
    unsigned long key;
    double weight;
    int tags[8];
};
static struct item_@ *table_@[64];
static unsigned long hash_@(const char *text)
{
    unsigned long value = 5381 + @;
    for (; *text != 0; text++)
        value = value * 33 ^ (unsigned char)*text;
    return value;
}
static struct item_@ *find_@(const char *name)
{
    struct item_@ *item;
    for (item = table_@[hash_@(name) % 64]; item != NULL; item = item->next)
        if (strcmp(item->name, name) == 0)
            return item;
    return NULL;
}
struct item_@ *add_@(const char *name, double weight)
{
    struct item_@ *item = find_@(name);
    if (item != NULL) {
        item->weight += weight;
        return item;
    }
    item = calloc(1, sizeof(*item));
    if (item == NULL)
        return NULL;
    snprintf(item->name, sizeof(item->name), "%s", name);
    item->key = hash_@(name);
    item->weight = weight;
    for (int i = 0; i < 8; i++)
        item->tags[i] = (int)(item->key >> (8 * i)) & 255;
    item->next = table_@[item->key % 64];
    table_@[item->key % 64] = item;
    return item;
}
static int order_@(const void *left, const void *right)
{
    const struct item_@ *a = *(struct item_@ *const *)left, *b = *(struct item_@ *const *)right;
    return a->weight < b->weight ? -1 : a->weight > b->weight ? 1 : strcmp(a->name, b->name);
}
int run_@(int argc, char **argv, FILE *out)
{
    struct item_@ *sorted[256];
    size_t count = 0, i;
    double sums[4] = {0, 0, 0, 0};
    for (int at = 1; at < argc; at++) {
        switch (argv[at][0]) {
        case 'a': add_@(argv[at] + 1, at * 1.5); break;
        case 'd': if (find_@(argv[at] + 1) != NULL) find_@(argv[at] + 1)->weight = 0; break;
        case 's': sums[at & 3] += strtod(argv[at] + 1, NULL); break;
        case 'x': sums[0] = sums[1] * sums[2] - sums[3] / (1 + at); break;
        case 'p': fprintf(out, "%s %f\n", argv[at], sums[at & 3]); break;
        default: fprintf(out, "unknown %d\n", argv[at][0] + @); return -1;
        }
    }
    for (i = 0; i < 64; i++)
        for (struct item_@ *item = table_@[i]; item != NULL && count < 256; item = item->next)
            sorted[count++] = item;
    qsort(sorted, count, sizeof(sorted[0]), order_@);
    for (i = 0; i < count; i++) {
        int sum = 0;
        for (int j = 0; j < 8; j++)
            sum += sorted[i]->tags[j] * (j + @);
        fprintf(out, "%-24s %10.3f %d\n", sorted[i]->name, sorted[i]->weight, sum);
    }
    return (int)count;
}
"""


class Cc1(Command):
    """The C compiler proper; the size is the number of units."""

    name = "cc1 -O1"

    def missing(self):
        if program_of_gcc("cc1") is None:
            return "gcc has no cc1"

    def make_input(self, box, units):
        text = "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
        text += "".join(C_UNIT.replace("@", str(number)) for number in range(1, units + 1))
        source = box.write("units_%d.c" % units, text)
        with open(box.path("units_%d.i" % units), "wb") as file:
            subprocess.run(["gcc", "-E", source], stdout=file, check=True)
        return file.name

    def command(self, path):
        return [program_of_gcc("cc1"), "-fpreprocessed", path, "-quiet", "-O1", "-o",
                os.devnull], {}


CXX_HEAD = """
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <regex>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>
"""

# One unit of C++: templates of its own, so that none is instantiated once for all.
CXX_UNIT = r"""
namespace unit_@ {
struct key { int number; std::string name;
    bool operator<(const key &other) const { return number < other.number; } };
template <typename Value> class registry {
    std::map<key, std::vector<Value>> entries;
    std::unordered_map<std::string, std::shared_ptr<Value>> by_name;
public:
    void add(const key &k, Value value)
    {
        entries[k].push_back(value);
        by_name[k.name] = std::make_shared<Value>(std::move(value));
    }
    template <typename Visit> void each(Visit visit) const
    {
        for (const auto &[k, values] : entries)
            for (const auto &value : values)
                visit(k, value);
    }
};
int run(const std::string &text)
{
    registry<std::function<int(int)>> functions;
    registry<std::pair<std::string, double>> words;
    std::istringstream in(text);
    std::string word;
    int sum = 0;
    while (in >> word) {
        functions.add({@, word}, [&, at = sum](int x) { return x + at + int(word.size()); });
        words.add({int(word.size()), word}, {word, 0.5 * @});
    }
    functions.each([&](const key &, const std::function<int(int)> &f) { sum += f(@); });
    words.each([&](const key &k, const auto &w) { sum += k.number * int(w.second); });
    return sum;
}
}
"""

CXX_TAIL = r"""
int count_matches(const std::string &text, const std::string &pattern)
{
    std::regex expression(pattern, std::regex::ECMAScript | std::regex::icase);
    return int(std::distance(std::sregex_iterator(text.begin(), text.end(), expression),
                             std::sregex_iterator()));
}
"""


class Cc1plus(Command):
    """The C++ compiler proper; the size is the number of units beside <regex>."""

    name = "cc1plus -O1"

    def missing(self):
        if program_of_gcc("cc1plus") is None:
            return "gcc has no cc1plus"

    def make_input(self, box, units):
        text = CXX_HEAD + "".join(CXX_UNIT.replace("@", str(number))
                                  for number in range(1, units + 1)) + CXX_TAIL
        source = box.write("units_%d.cc" % units, text)
        with open(box.path("units_%d.ii" % units), "wb") as file:
            subprocess.run(["g++", "-std=c++17", "-E", source], stdout=file, check=True)
        return file.name

    def command(self, path):
        return [program_of_gcc("cc1plus"), "-std=c++17", "-fpreprocessed", path, "-quiet", "-O1",
                "-o", os.devnull], {}


SQL = """
PRAGMA cache_size = -65536;
CREATE TABLE customer(id INTEGER PRIMARY KEY, name TEXT, city TEXT);
CREATE TABLE item(id INTEGER PRIMARY KEY, customer INTEGER, name TEXT, price REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < @ / 10)
INSERT INTO customer SELECT i, 'customer ' || i, 'city ' || (i * 7919 % 97) FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < @)
INSERT INTO item SELECT i, i * 31 % (@ / 10) + 1, 'item ' || (i * 7919 % 10007), i * 0.25 FROM n;
CREATE INDEX item_by_customer ON item(customer);
CREATE INDEX item_by_name ON item(name, price);
SELECT city, count(*), sum(price), max(item.name) FROM customer JOIN item
    ON item.customer = customer.id GROUP BY city ORDER BY 3 DESC LIMIT 10;
SELECT upper(name) || '-' || printf('%08.2f', price) AS label FROM item
    WHERE name LIKE '%77%' ORDER BY label DESC LIMIT 5;
SELECT group_concat(name) FROM (SELECT DISTINCT name FROM item ORDER BY name LIMIT 40);
UPDATE item SET name = replace(name, 'item', 'thing'), price = price * 1.1 WHERE id % 3 = 0;
DELETE FROM item WHERE id % 7 = 0;
SELECT json_group_array(json_object('id', id, 'name', name)) FROM customer WHERE id % 11 = 0;
SELECT count(*), avg(length(name)) FROM item;
"""


class Sqlite(Command):
    """sqlite3 on a script; the size is the number of rows. Many INSERTs of one row each, too: they
    are parsed one by one, as an application's would be."""

    name = "sqlite3"

    def missing(self):
        return None if shutil.which("sqlite3") else "sqlite3 is not installed"

    def make_input(self, box, rows):
        inserts = "".join("INSERT INTO item VALUES(NULL, %d, 'late item %d', %d.5);\n"
                          % (i % 100 + 1, i, i) for i in range(rows // 8))
        return box.write("script_%d.sql" % rows, SQL.replace("@", str(rows)) + "BEGIN;\n"
                         + inserts + "COMMIT;\n")

    def command(self, path):
        return ["sqlite3", ":memory:"], {"stdin": path}


PYTHON = """
import ast, collections, json, random, re, sys
random.seed(1)
with open(ast.__file__) as file:
    source = file.read()
for _ in range(int(sys.argv[1])):
    tree = ast.parse(source)
    names = collections.Counter(type(node).__name__ for node in ast.walk(tree))
    rows = [{"id": i, "name": "row %d" % i, "tags": [str(random.random()) for _ in range(4)]}
            for i in range(2000)]
    index = collections.defaultdict(list)
    for row in rows:
        index[row["tags"][0][:4]].append(row)
    text = json.dumps(sorted(index.items()))
    words = re.findall(r"[a-z]+", text)
    back = json.loads(text)
    del rows, index, tree
print(len(back), len(words), names.most_common(1))
"""


class Python(Command):
    """python3 without its own allocator; the size is how often it does its work."""

    name = "python3, malloc"

    def missing(self):
        return None if os.path.exists("/usr/bin/python3") else "/usr/bin/python3 is not there"

    def make_input(self, box, times):
        return str(times)

    def command(self, times):
        return (["/usr/bin/python3", "-S", "-c", PYTHON, times],
                {"environment": {"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"}})


REDIS_LOAD = "set,get,incr,lpush,rpop,sadd,hset,zadd,lrange_100,mset"


class RedisServer:
    """redis-server under redis-benchmark: the server is preloaded, the load is not."""

    name = "redis-server"

    def missing(self):
        absent = [program for program in ("redis-server", "redis-benchmark", "redis-cli")
                  if not shutil.which(program)]
        return "%s is not installed" % ", ".join(absent) if absent else None

    def sample(self, box, variant, requests, pipeline, limit_s):
        """The wall time of a number of requests of each kind."""
        # The path of a unix socket is short.
        path = box.path("redis.sock")
        server = measure.Running(box, variant, [
            shutil.which("redis-server"), "--port", "0", "--unixsocket", path, "--save", "",
            "--appendonly", "no", "--loglevel", "warning"], limit_s)
        try:
            wait_for_answer(server, path)
            started = time.perf_counter()
            load = subprocess.run(
                ["redis-benchmark", "-s", path, "-q", "-n", str(requests), "-c", "20",
                 "-P", str(pipeline), "-r", "10000", "-d", "64", "-t", REDIS_LOAD],
                capture_output=True, stdin=subprocess.DEVNULL, env=box.environment())
            wall_s = time.perf_counter() - started
            subprocess.run(["redis-cli", "-s", path, "shutdown", "nosave"], capture_output=True,
                           env=box.environment())
            figures = server.wait()
            if load.returncode != 0:
                raise Unfit("redis-benchmark ends with status %d" % load.returncode)
            figures["wall_s"] = wall_s
            return figures
        finally:
            server.close()


def wait_for_answer(server, path):
    """The server answers, or is judged for not doing so."""
    end = time.monotonic() + 30
    while server.process.poll() is None and time.monotonic() < end:
        answer = subprocess.run(["redis-cli", "-s", path, "ping"], capture_output=True)
        if answer.stdout == b"PONG\n":
            return
        time.sleep(0.05)
    if server.process.returncode is not None:
        server.judge(server.process.returncode)
    raise Unfit("the server does not answer")
