# SPDX-License-Identifier: Apache-2.0
"""snapshot_file: a second, independent reader of include/seep/snapshot_format.h.

Written from the header's text alone, so that a mistake which writer and tool share is seen. Also
the workshop for damaged and hostile files: records can be taken apart, changed and framed again.
"""

import struct
import zlib

FILE_HEADER = struct.Struct("<8sHHIIIQII20sI")
RECORD_HEADER = struct.Struct("<IHHIIQII")
SELF_CHECK_HEAD = struct.Struct("<IIIIII5Q")
DIFFERENCE = struct.Struct("<IIIIQ")
SAMPLES_HEAD = struct.Struct("<IIII4Q")
MODULE = struct.Struct("<IIIIQQQIHH")
STACKS_HEAD = struct.Struct("<IIII")
PINS_HEAD = struct.Struct("<IIIIQ")
FREES_HEAD = struct.Struct("<IIIIQQ")
ALERT_RECORD = struct.Struct("<IIIIQQ")
SCAN_HEAD = struct.Struct("<IIHHiIIII13Q")
HOLDERS_HEAD = struct.Struct("<6I")
ROOT_HEAD = struct.Struct("<II3Q4I")
PROCESS_HEAD = struct.Struct("<10I3QII")
SNAPSHOT = struct.Struct("<IIIHHIIII18QQQIIQQQQQIIQ")
END_EXIT, END_SIGNAL, END_EXEC = 1, 2, 3  # how a process ended, in its end record
MAGIC = b"SEEP\r\n\x1a\n"
RECORD_MAGIC = 0x43455253
(PROCESS, MODULES, MODULE_UNLOAD, STACKS, SNAPSHOT_TYPE, END, SELF_CHECK, SAMPLES, FREES, PINS,
 ALERT, SCAN, HOLDERS) = range(1, 14)
ALERT_KINDS = {1: "growth", 2: "live", 3: "heap_share_of_rss", 4: "site_growth", 5: "site_live"}
REASONS = {1: "interval", 2: "request", 3: "growth", 4: "final", 5: "exec", 6: "fork",
           7: "mark", 8: "memory"}
SCAN_OUTCOMES = ("done", "no_copy", "no_memory", "failed", "sampled", "lost", "too_late")
SCAN_IS_CONFIRMED, SCAN_IS_STOPPED, SCAN_HAS_HEADS, SCAN_IS_BLIND = 1, 2, 4, 8
LOSSES = ("definitely", "indirectly", "possibly", "reachable", "below")
ROOT_KINDS = (None, "module", "stack", "register", "tls", "thread", "loader", "mapping", "region",
              "ignored")
NO_MODULE = 2 ** 32 - 1
LIMIT_KINDS = ("unknown", "cgroup", "address space", "machine", "data",
               "cgroup high")
TOTALS = ("live_bytes live_blocks allocations allocated_bytes frees freed_bytes inherited_blocks "
          "inherited_bytes inherited_frees unknown_frees mapped_bytes lost_blocks lost_stacks "
          "cut_stacks rss_bytes swap_bytes vm_bytes own_bytes").split()
IS_KEYFRAME, IS_FUZZY = 1, 2

assert FILE_HEADER.size == 64 and RECORD_HEADER.size == 32 and SNAPSHOT.size == 256
assert SELF_CHECK_HEAD.size == 64 and DIFFERENCE.size == 24
assert SAMPLES_HEAD.size == 48 and PROCESS_HEAD.size == 72
assert SCAN_HEAD.size == 136 and HOLDERS_HEAD.size == 24 and ROOT_HEAD.size == 48
assert MODULE.size == 48 and PINS_HEAD.size == 24 and FREES_HEAD.size == 32


class Record:
    def __init__(self, offset, type_, sequence, time_ns, payload):
        self.offset, self.type, self.sequence = offset, type_, sequence
        self.time_ns, self.payload = time_ns, payload


class Snapshot:
    """One snapshot record; `sites` maps stack id to (blocks, bytes, allocations, allocated bytes,
    cohorts) for the entries that it holds itself."""

    def __init__(self, record):
        fields = SNAPSHOT.unpack_from(record.payload)
        (self.struct_bytes, self.number, self.epoch, reason, self.flags, label_bytes,
         entries_offset, self.entry_count, self.threads) = fields[:9]
        self.reason = REASONS.get(reason, reason)
        self.time_s = record.time_ns / 1e9
        self.totals = dict(zip(TOTALS, fields[9:]))
        self.limit_bytes, self.limit_used_bytes, limit_kind = fields[27:30]
        self.limit_kind = LIMIT_KINDS[limit_kind]
        self.anonymous_bytes, self.data_bytes = fields[31:33]
        self.heap_bytes, self.heap_resident_bytes, self.live_page_bytes = fields[33:36]
        self.missed_snapshots, self.missed_error, self.unseen_frees = fields[36:]
        start = self.struct_bytes
        self.label = record.payload[start:start + label_bytes].decode()
        self.sites = {}
        position, stack = entries_offset, 0
        for _ in range(self.entry_count):
            delta, position = varint(record.payload, position)
            stack += delta
            values = []
            for _ in range(5):
                value, position = varint(record.payload, position)
                values.append(value)
            cohorts, epoch = [], 0
            for _ in range(values[4]):
                step, position = varint(record.payload, position)
                blocks, position = varint(record.payload, position)
                size, position = varint(record.payload, position)
                epoch += step
                cohorts.append((epoch, blocks, size))
            self.sites[stack] = (*values[:4], cohorts)


class SnapshotFile:
    """What is whole in the file: reading stops at the first byte that is not."""

    def __init__(self, data):
        self.data = data
        (self.magic, self.major, self.minor, self.header_bytes, self.byte_order, self.pid,
         self.started_unix_ns, self.page_bytes, self.flags, _, crc) = FILE_HEADER.unpack_from(data)
        if self.magic != MAGIC or crc != zlib.crc32(data[:60]):
            raise ValueError("not a whole file header")
        self.records = []
        self.whole_bytes = self.header_bytes
        position = self.header_bytes
        while position + RECORD_HEADER.size <= len(data):
            (magic, type_, _, size, sequence, time_ns, payload_crc,
             header_crc) = RECORD_HEADER.unpack_from(data, position)
            start = position + RECORD_HEADER.size
            payload = data[start:start + size]
            if (magic != RECORD_MAGIC or header_crc != zlib.crc32(data[position:position + 28])
                    or len(payload) != size or payload_crc != zlib.crc32(payload)):
                break
            self.records.append(Record(position, type_, sequence, time_ns, payload))
            position = start + (size + 7) // 8 * 8
            self.whole_bytes = min(position, len(data))
        self.snapshots = [Snapshot(record) for record in self.of_type(SNAPSHOT_TYPE)]

    def of_type(self, type_):
        return [record for record in self.records if record.type == type_]

    def self_check(self):
        """What the newest record of the self-check says, or None; differences are (ours, libunwind's,
        thread, count)."""
        records = self.of_type(SELF_CHECK)
        if not records:
            return None
        payload = records[-1].payload
        struct_bytes, step, count, *fields = SELF_CHECK_HEAD.unpack_from(payload)
        names = "one_in flags reserved compared different libunwind_gave_up cut skipped".split()
        check = dict(zip(names, fields))
        starts = range(struct_bytes, struct_bytes + count * step, step)
        differences = [DIFFERENCE.unpack_from(payload, start) for start in starts]
        check["differences"] = [(ours, theirs, thread, times)
                                for ours, theirs, thread, _, times in differences]
        return check

    def forked_from(self):
        """The process that this one is a fork of; 0 after exec or start."""
        return PROCESS_HEAD.unpack_from(self.of_type(PROCESS)[0].payload)[3]

    def sample_bytes(self):
        """The mean distance of samples; 0: every block was recorded."""
        return PROCESS_HEAD.unpack_from(self.of_type(PROCESS)[0].payload)[12]

    def samples(self):
        """What the newest record says of the estimates, or None; sites map stack ids to (samples,
        error of blocks, error of bytes)."""
        records = self.of_type(SAMPLES)
        if not records:
            return None
        payload = records[-1].payload
        struct_bytes, snapshot, site_count, _, *fields = SAMPLES_HEAD.unpack_from(payload)
        found = dict(zip("live_samples samples blocks_error bytes_error".split(), fields))
        found["snapshot"], found["sites"] = snapshot, {}
        position, stack = struct_bytes, 0
        for _ in range(site_count):
            values = []
            for _ in range(4):
                value, position = varint(payload, position)
                values.append(value)
            stack += values[0]
            found["sites"][stack] = tuple(values[1:])
        return found

    def pins(self):
        """What the newest record says of free memory that sites pin, or None; sites map stack ids to
        bytes."""
        records = self.of_type(PINS)
        if not records:
            return None
        payload = records[-1].payload
        position, snapshot, site_count, _, pinned_bytes = PINS_HEAD.unpack_from(payload)
        found = {"snapshot": snapshot, "pinned_bytes": pinned_bytes, "sites": {}}
        stack = 0
        for _ in range(site_count):
            step, position = varint(payload, position)
            stack += step
            found["sites"][stack], position = varint(payload, position)
        return found

    def scan(self):
        """What the newest scan says, or None: its fields by name, `outcome` as a word, the totals as
        (blocks, bytes) by class; sites map stack ids to the same by class, "below", and "head"
        where the record has heads."""
        records = self.of_type(SCAN)
        if not records:
            return None
        payload = records[-1].payload
        fields = SCAN_HEAD.unpack_from(payload)
        found = dict(zip("snapshot reason outcome error flags site_count threads unread_threads "
                         "pause_ns work_ns root_bytes block_bytes own_bytes".split(), fields[1:]))
        found["outcome"] = SCAN_OUTCOMES[found["outcome"]]
        found["reason"] = REASONS[found["reason"]]
        found["is_confirmed"] = bool(found["flags"] & SCAN_IS_CONFIRMED)
        found["is_stopped"] = bool(found["flags"] & SCAN_IS_STOPPED)
        found["is_blind"] = bool(found["flags"] & SCAN_IS_BLIND)
        for index, name in enumerate(LOSSES[:4]):
            found[name] = fields[14 + 2 * index:16 + 2 * index]
        found["sites"] = {}
        position, stack = fields[0], 0
        for _ in range(found["site_count"]):
            step, position = varint(payload, position)
            stack += step
            site = {}
            for name in LOSSES:
                blocks, position = varint(payload, position)
                size, position = varint(payload, position)
                site[name] = blocks, size
            if found["flags"] & SCAN_HAS_HEADS:
                site["head"], position = varint(payload, position)
            found["sites"][stack] = site
        if position != len(payload):
            raise ValueError("%d bytes behind the sites" % (len(payload) - position))
        return found

    def holders(self):
        """The newest record of who holds blocks, or None: `roots`, each a dict, and `paths`, each
        (stack, blocks, index of its root, steps); a step is (stack, offset, count)."""
        records = self.of_type(HOLDERS)
        if not records:
            return None
        payload = records[-1].payload
        (position, snapshot, root_count, path_count, paths_offset,
         _) = HOLDERS_HEAD.unpack_from(payload)
        roots, paths = [], []
        for _ in range(root_count):
            fields = ROOT_HEAD.unpack_from(payload, position)
            root = dict(zip("kind address pc offset thread module".split(), fields[1:]))
            name = position + fields[0]
            end = name + fields[7]
            root["kind"], root["name"] = ROOT_KINDS[root["kind"]], payload[name:end].decode()
            position += (end - position + 7) // 8 * 8
            roots.append(root)
        if position > paths_offset:
            raise ValueError("the roots reach into the paths")
        position, stack = paths_offset, 0
        for _ in range(path_count):
            values = []
            for _ in range(4):
                value, position = varint(payload, position)
                values.append(value)
            stack += values[0]
            steps = []
            for _ in range(values[3]):
                step = []
                for _ in range(3):
                    value, position = varint(payload, position)
                    step.append(value)
                steps.append(tuple(step))
            paths.append((stack, values[1], values[2], steps))
        if position != len(payload):
            raise ValueError("%d bytes behind the paths" % (len(payload) - position))
        return {"snapshot": snapshot, "roots": roots, "paths": paths}

    def alerts(self):
        """The thresholds that were logged as crossed: (kind, snapshot, stack, value, limit)."""
        found = []
        for record in self.of_type(ALERT):
            struct_bytes, snapshot, kind, stack, value, limit = ALERT_RECORD.unpack(record.payload)
            if struct_bytes != ALERT_RECORD.size:
                raise ValueError("an alert of %d bytes" % struct_bytes)
            found.append((ALERT_KINDS[kind], snapshot, stack, value, limit))
        return found

    def nodes(self):
        """Stack ids to (parent, pc)."""
        found = {}
        for record in self.of_type(STACKS):
            position, first_id, count, _ = STACKS_HEAD.unpack_from(record.payload)
            pc = 0
            for node in range(first_id, first_id + count):
                step, position = varint(record.payload, position)
                zigzag, position = varint(record.payload, position)
                _, position = varint(record.payload, position)
                pc += zigzag >> 1 ^ -(zigzag & 1)
                found[node] = node - step, pc
        return found

    def stacks(self):
        """Stack ids to frames, innermost first: (path of the module, offset), or (None, pc) for what
        lies in no module. Of modules that were unloaded from the same place the first counts."""
        modules = []
        for record in self.of_type(MODULES):
            position = 0
            while position < len(record.payload):
                fields = MODULE.unpack_from(record.payload, position)
                path = position + fields[0] + fields[8]
                end = path + fields[9]
                modules.append((*fields[4:7], record.payload[path:end].decode()))
                position = (end + 7) // 8 * 8
        found = {}
        for node, (parent, pc) in self.nodes().items():
            frame = next(((path, pc - bias) for bias, start, end, path in modules
                          if start <= pc < end), (None, pc))
            found[node] = (frame, *found.get(parent, ()))
        return found

    def frees(self):
        """What the newest record says of who frees, or None; pairs map (stack of the allocation, of
        the free) to samples."""
        records = self.of_type(FREES)
        if not records:
            return None
        payload = records[-1].payload
        struct_bytes, snapshot, pair_count, one_in, samples, lost = FREES_HEAD.unpack_from(payload)
        found = {"snapshot": snapshot, "one_in": one_in, "samples": samples, "lost": lost,
                 "pairs": {}}
        position, last = struct_bytes, (0, 0)
        for _ in range(pair_count):
            step, position = varint(payload, position)
            free_stack, position = varint(payload, position)
            count, position = varint(payload, position)
            pair = last[0] + step, free_stack
            if pair <= last:
                raise ValueError("pairs out of order")
            found["pairs"][pair] = count
            last = pair
        if position != len(payload):
            raise ValueError("%d bytes behind the pairs" % (len(payload) - position))
        return found

    def end(self):
        """(how, status) of the end record that wins, or None."""
        ends = [struct.unpack_from("<Ii", record.payload) for record in self.of_type(END)]
        known = sorted(end for end in ends if end[0] != 0)
        return known[0] if known else (ends[0] if ends else None)

    def final_sites(self):
        """Stack id to its last entry, as the format's rules merge them."""
        sites = {}
        for snapshot in self.snapshots:
            if snapshot.flags & IS_KEYFRAME:
                sites = {}
            sites.update(snapshot.sites)
        return sites


def read(path):
    with open(path, "rb") as file:
        return SnapshotFile(file.read())


def varint(data, position):
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        shift += 7
        if not byte & 128:
            return value, position


def frame(type_, payload, sequence=0, time_ns=0):
    """A record with right checksums around any payload."""
    start = struct.pack("<IHHIIQI", RECORD_MAGIC, type_, 0, len(payload), sequence, time_ns,
                        zlib.crc32(payload))
    return start + struct.pack("<I", zlib.crc32(start)) + payload + bytes(-len(payload) % 8)


def with_header(data, major=None, header_bytes=None):
    """The same file with another version or header size, and a right checksum."""
    fields = list(FILE_HEADER.unpack_from(data))
    fields[1] = fields[1] if major is None else major
    fields[3] = fields[3] if header_bytes is None else header_bytes
    header = FILE_HEADER.pack(*fields[:-1], 0)[:60]
    return header + struct.pack("<I", zlib.crc32(header)) + data[64:]
