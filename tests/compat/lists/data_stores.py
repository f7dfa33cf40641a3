# SPDX-License-Identifier: Apache-2.0
"""data_stores: databases and caches, started, asked and stopped."""

from listed_program import Program

SQL = '''
CREATE TABLE t(id INTEGER PRIMARY KEY, name VARCHAR(40), value DOUBLE PRECISION);
INSERT INTO t VALUES (1, 'one', 1.5), (2, 'two', 2.5), (3, 'three', 3.5);
SELECT count(*), sum(value) FROM t;
SELECT broken FROM t;
UPDATE t SET value = value * 2 WHERE id > 1;
SELECT * FROM t ORDER BY id DESC;
'''
WAIT = '''
answers() { for i in $(seq 300); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done
echo "silent: $*"; exit 99; }
'''
POSTGRES = '''
PATH=$(echo /usr/lib/postgresql/*/bin):$PATH
owner() { "$@"; }
[ $(id -u) = 0 ] && owner() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }
'''
MARIADB = '''
mysql="mariadb --no-defaults --socket=$PWD/socket --user=root"
'''

PROGRAMS = (
    Program("sqlite3", is_quick=True, packages="sqlite3", script='''
        cat >script <<'END'
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
        INSERT INTO t SELECT i + 9, 'name ' || i, i * 0.5 FROM n; CREATE INDEX by_name ON t(name);
        SELECT name FROM t WHERE name LIKE '%%77%%' ORDER BY value DESC LIMIT 5;
        DELETE FROM t WHERE id %% 7 = 0; SELECT group_concat(id) FROM (SELECT id FROM t LIMIT 20);
END
        cat >first <<'END' %s
END
        cat first script | $under sqlite3 file.db; echo $?
        $under sqlite3 -json file.db 'PRAGMA integrity_check' .dump | cksum
        ''' % SQL),
    Program("redis-server", is_quick=True, packages="redis-server redis-tools", script=WAIT + '''
        $under redis-server --port 0 --unixsocket $PWD/socket --dir $PWD --appendonly no \\
            --save '' --daemonize no --loglevel warning --logfile log & server=$!
        answers redis-cli -s socket ping
        redis-benchmark -s socket -q -n 2000 -c 10 -r 500 -d 64 -t set,lpush,zadd >/dev/null
        redis-cli -s socket flushall; redis-cli -s socket set key value
        redis-cli -s socket eval "return {1, 'two', {3}}" 0; redis-cli -s socket bgsave
        while redis-cli -s socket info persistence | grep -q bgsave_in_progress:1; do sleep 0.1
        done
        redis-cli -s socket wrong; redis-cli -s socket shutdown nosave; wait $server; echo $?
        ''', vary=[("names", "log", "it holds pids and times"),
                    ("names", r"\.rdb$", "when it was written, and how much memory was in use")]),
    Program("memcached", packages="memcached", script=WAIT + '''
        $under memcached -U 0 -p $port -l 127.0.0.1 -m 16 -t 4 -u nobody & server=$!
        exec 2>errors
        cat >ask.py <<'END'
import os, socket
with socket.create_connection(("127.0.0.1", int(os.environ["port"]))) as wire:
    for i in range(3000):
        wire.sendall(b"set k%d 0 0 200\\r\\n%s\\r\\n" % (i, b"x" * 200))
    wire.sendall(b"get k7\\r\\ndelete k7\\r\\nget k7\\r\\nflush_all\\r\\nquit\\r\\n")
    answer = b"".join(iter(lambda: wire.recv(65536), b""))
print(answer.count(b"STORED"), answer[-300:])
END
        answers python3 -c 'import os, socket
socket.create_connection(("127.0.0.1", int(os.environ["port"])))'
        python3 ask.py; kill -INT $server; wait $server; echo $?
        '''),
    Program("postgres", packages="postgresql", limit_s=300,
            script=WAIT + POSTGRES + '''
        cat >script.sql <<'END' %s
        CREATE TABLE big AS SELECT i, md5(i::text) AS text FROM generate_series(1, 20000) i;
        CREATE INDEX ON big(text); ANALYZE big; SELECT count(*), min(text), max(text) FROM big;
        SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0;
        SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
        SELECT count(*) FROM big WHERE text LIKE '%%7%%';
END
        owner $under initdb -D data -A trust --no-sync -E UTF8 --locale=C.UTF-8 >/dev/null; echo $?
        owner $under postgres -D data -k $PWD -c listen_addresses= -c fsync=off -c port=$port \\
            2>log & server=$!
        answers owner psql -h $PWD -p $port -c 'select 1' postgres
        owner psql -h $PWD -p $port -f script.sql postgres 2>&1
        owner pg_dump -h $PWD -p $port -t t postgres | grep -v '^--'
        owner pg_ctl -D data -m fast stop >/dev/null; echo $?; wait $server; echo $?
        ''' % SQL, vary=[("names", "data/.*|log", "a cluster is full of times and ids"),
                        ("stdout", r"\\(un)?restrict .*", "drawn at random")]),
    Program("mariadb", packages="mariadb-server mariadb-client", limit_s=300,
            script=WAIT + MARIADB + '''
        [ $(id -u) = 0 ] && user=--user=mysql; chmod 777 .
        mariadb-install-db --no-defaults $user --datadir=$PWD/data --skip-test-db \\
            --auth-root-authentication-method=normal >install 2>&1; echo $?
        $under mariadbd --no-defaults $user --datadir=$PWD/data --socket=$PWD/socket \\
            --skip-networking --innodb-buffer-pool-size=16M 2>log & server=$!
        answers $mysql -e 'select 1'
        cat >script.sql <<'END' %s
END
        $mysql -e 'create database d'; $mysql -f d <script.sql; echo $?
        $mysql d -e 'create table b as select seq, md5(seq) m from seq_1_to_20000;
            select max(m) from b'
        mariadb-dump --no-defaults --socket=$PWD/socket --user=root --compact d t
        mariadb-admin --no-defaults --socket=$PWD/socket --user=root shutdown; wait $server; echo $?
        ''' % SQL, vary=[("names", "data/.*|log|install", "databases are full of times and ids")]),
    Program("berkeley db, gdbm, lmdb", packages="db-util gdbmtool lmdb-utils", script='''
        seq 1 2000 | sed 's/.*/&\\n<&>/' | $under db_load -T -t btree file.db
        db_dump -p file.db | cksum
        printf 'store a b\\nfetch a\\ncount\\n' | $under gdbmtool file.gdbm
        mkdir lmdb
        printf 'VERSION=3\\nformat=print\\ntype=btree\\nHEADER=END\\n a\\n b\\nDATA=END\\n' |
            $under mdb_load lmdb; mdb_dump -p lmdb
        ''', vary=[("names", "lmdb/lock.mdb", "it holds pids")]),
)
