# SPDX-License-Identifier: Apache-2.0
"""sqlite_script: what sqlite3 is asked, statement by statement, about a database made before."""

import random

ROW_BYTES = 1100
PAGE_BYTES = 4096


def tables(rows):
    """The script that makes the database."""
    return """
CREATE TABLE customer(id INTEGER PRIMARY KEY, name TEXT, city TEXT);
CREATE TABLE item(id INTEGER PRIMARY KEY, customer INTEGER, name TEXT, price REAL, text TEXT);
CREATE TABLE visit(id INTEGER PRIMARY KEY, customer INTEGER, place TEXT);
CREATE TRIGGER visited AFTER INSERT ON visit BEGIN DELETE FROM visit WHERE id < new.id - 500; END;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
INSERT INTO customer SELECT i, 'customer ' || i, 'city ' || (i * 7919 %% 97) FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
INSERT INTO item SELECT i, i * 31 %% 2000 + 1, 'item ' || (i * 7919 %% 10007), i * 0.25,
    hex(zeroblob(%d)) FROM n;
CREATE INDEX item_by_customer ON item(customer);
""" % (rows, (ROW_BYTES - 100) // 2)


class SqliteScript:
    def __init__(self, rows, seed):
        self.rows, self.chance = rows, random.Random(seed)
        self.kinds = [getattr(self, name) for name in (
            "one_row", "one_row", "one_row", "one_row", "change", "change", "come_and_go", "visit",
            "join", "report", "texts", "json", "wrong", "transaction", "temporary")]

    def row(self):
        return self.chance.randint(1, self.rows)

    def one_row(self):
        return "SELECT id, name, length(text) FROM item WHERE id = %d;" % self.row()

    def change(self):
        return "UPDATE item SET price = price * %g, name = 'thing %d' WHERE id = %d;" % (
            self.chance.uniform(0.9, 1.1), self.chance.randrange(10000), self.row())

    def come_and_go(self):
        row = self.row()
        return ("DELETE FROM item WHERE id = %d; INSERT INTO item VALUES(%d, %d, 'new %d', 1.5, "
                "hex(zeroblob(%d)));" % (row, row, row % 2000 + 1, row, (ROW_BYTES - 100) // 2))

    def visit(self):
        return "INSERT INTO visit VALUES(NULL, %d, 'place %d');" % (
            self.chance.randint(1, 2000), self.chance.randrange(50))

    def join(self):
        first = self.chance.randint(1, 1990)
        return ("SELECT city, count(*), sum(price), max(item.name) FROM customer JOIN item "
                "ON item.customer = customer.id WHERE customer.id BETWEEN %d AND %d "
                "GROUP BY city ORDER BY 3 DESC LIMIT 10;" % (first, first + 2))

    def report(self):
        return ("SELECT place, count(*) AS times, group_concat(DISTINCT customer) FROM visit "
                "GROUP BY place HAVING times > %d ORDER BY times DESC;" % self.chance.randint(1, 9))

    def texts(self):
        first = self.row()
        return ("SELECT upper(name) || '-' || printf('%%08.2f', price) FROM item WHERE id BETWEEN "
                "%d AND %d AND name LIKE '%%7%%' ORDER BY name;" % (first, first + 20))

    def json(self):
        return ("SELECT json_group_array(json_object('id', id, 'name', name)) FROM customer "
                "WHERE id %% 50 = %d;" % self.chance.randrange(50))

    def wrong(self):
        return "SELECT nothing_%d FROM item;" % self.chance.randrange(100)

    def transaction(self):
        return "BEGIN; %s %s SAVEPOINT s; %s %s; %s" % (
            self.change(), self.visit(), self.change(),
            self.chance.choice(("RELEASE s", "ROLLBACK TO s")),
            self.chance.choice(("COMMIT;", "COMMIT;", "ROLLBACK;")))

    def temporary(self):
        return ("CREATE TEMP TABLE some AS SELECT id, price FROM item WHERE id < 30; "
                "SELECT avg(price) FROM some; DROP TABLE some;")

    def statements(self, count):
        return "".join(self.chance.choice(self.kinds)() + "\n" for _ in range(count))
