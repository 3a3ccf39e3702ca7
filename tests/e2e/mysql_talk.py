#!/usr/bin/env python3
"""Two clients of MySQL for Python, each with answers that name what was asked: mysql_talk.py PORT PASSWORD"""
import sys

import MySQLdb
import pymysql

port, password = int(sys.argv[1]), sys.argv[2]
account = {"host": "127.0.0.1", "port": port, "user": "app", "password": password, "database": "shop"}


def ask(connection, name):
    cursor = connection.cursor()
    for i in range(20):
        cursor.execute("SELECT %s AS id", (f"{name}-id{i}",))
        assert cursor.fetchall() == ((f"{name}-id{i}",),)
    return cursor


connection = pymysql.connect(ssl={"ssl": {}}, **account)
cursor = ask(connection, "pymysql")
try:
    cursor.execute("INSERT INTO t (id) VALUES (1)")
    sys.exit("no duplicate")
except pymysql.IntegrityError:
    pass
connection.rollback()
connection.ping()
connection.close()

connection = MySQLdb.connect(ssl={"cipher": "HIGH"}, **account)
ask(connection, "mysqlclient")
connection.close()
