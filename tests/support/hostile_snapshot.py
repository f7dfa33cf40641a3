# SPDX-License-Identifier: Apache-2.0
"""hostile_snapshot: snapshot files of which something was changed, with right checksums.

The same seed makes the same file. What a fuzzer finds by looking into the reader, this does
blindly, but to the whole tool: tests/fuzz has the other.
"""

import struct

import snapshot_file

NUMBERS = (0, 1, 2, 7, 127, 128, 255, 65535, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 53,
           2 ** 63 - 1, 2 ** 63, 2 ** 64 - 1)
# Of a struct that stands at the beginning of a payload.
STRUCT_BYTES = 256


def write_varint(value):
    data = b""
    while value > 127:
        data, value = data + bytes([value & 127 | 128]), value >> 7
    return data + bytes([value])


def change_payload(random, payload):
    data = bytearray(payload)
    if not data:
        return bytes(random.randbytes(random.randrange(64)))
    at = random.randrange(len(data))
    way = random.randrange(6)
    if way == 0:
        at = random.randrange(min(len(data), STRUCT_BYTES)) & ~3
        number = struct.pack("<Q", random.choice(NUMBERS))[:random.choice((4, 8))]
        data[at:at + len(number)] = number
    elif way == 1:
        for _ in range(random.choice((1, 2, 8))):
            data[random.randrange(len(data))] = random.randrange(256)
    elif way == 2:
        del data[at:]
    elif way == 3:
        data += random.randbytes(random.randrange(40))
    elif way == 4:
        data[at:at + 1] = write_varint(random.choice(NUMBERS))
    else:
        data[at:at] = data[:random.randrange(len(data))]
    return bytes(data)


def change_order(random, records):
    one, other = random.randrange(len(records)), random.randrange(len(records))
    way = random.randrange(3)
    if way == 0:
        records[one], records[other] = records[other], records[one]
    elif way == 1 and len(records) > 1:
        del records[one]
    else:
        records.insert(other, records[one])


def changed(random, data):
    """The file with one change, or a few; now and then torn, or with damaged bytes besides."""
    records = [[record.type, record.payload, record.sequence, record.time_ns]
               for record in snapshot_file.SnapshotFile(data).records]
    for _ in range(random.choice((1, 1, 2, 5))):
        record, way = random.choice(records), random.randrange(10)
        if way == 0:
            change_order(random, records)
        elif way == 1:
            record[3] = random.choice((*NUMBERS, record[3] * 1000 % 2 ** 64))
        elif way == 2:
            record[0] = random.randrange(16)
        else:
            record[1] = change_payload(random, record[1])
    made = bytearray(data[:snapshot_file.FILE_HEADER.size])
    for type_, payload, sequence, time_ns in records:
        made += snapshot_file.frame(type_, payload, sequence, time_ns)
    if random.random() < 0.1:
        made[random.randrange(len(made))] = random.randrange(256)
    if random.random() < 0.1:
        del made[random.randrange(len(made)):]
    return bytes(made)
