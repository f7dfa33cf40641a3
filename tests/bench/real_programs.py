# SPDX-License-Identifier: Apache-2.0
"""real_programs: programs from Debian, and the work that they are given.

All input is made here, the same every time, so that figures of different days can be compared.
"""

import os
import shutil
import subprocess


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
struct item_@ { struct item_@ *next; char name[24]; unsigned long key; double weight; int tags[8]; };
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
