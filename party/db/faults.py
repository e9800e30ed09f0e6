"""What an error of MySQL, MariaDB or SQLite means to us: one table for each.

MySQL's and MariaDB's lists of server errors were gone through once. What a host, its limits or its disk can
do to us is sorted here; what only a wrong statement of ours can cause stays `OTHER`. A number that is in
neither list is taken for the host's, too: proxies and clouds have numbers of their own.
"""

import re
import sqlite3
from enum import Enum, auto

from pymysql import err


class Fault(Enum):
    """What a driver's error means to us."""

    CONFLICT = auto()  # others were in the way: the transaction is undone and may be repeated
    LOST = auto()  # the connection died: whatever was not committed is undone
    AWAY = auto()  # this node of a cluster serves nobody just now; whether a commit took place is unknown
    UNREACHABLE = auto()  # no connection to be had
    BUSY = auto()  # it is there, but has no capacity just now
    READ_ONLY = auto()  # this server takes no changes; another of a cluster may
    REFUSED = auto()  # it is there, and does not let us: read-only, disk full, over quota, a right revoked
    TOO_LARGE = auto()  # a statement is larger than the server takes
    DUPLICATE = auto()  # a unique key is taken
    SCHEMA = auto()  # a table or column is missing: migrations are pending
    OTHER = auto()  # a bug


# The whole list is longer; these are the numbers that a client with our statements can meet.
_MYSQL: dict[Fault, tuple[int, ...]] = {
    Fault.CONFLICT: (
        1020,  # record has changed since last read: MariaDB's innodb_snapshot_isolation
        1205,  # lock wait timeout
        1213,  # deadlock, or certification failed in a cluster
        1412,  # table definition has changed
        1613,  # rolled back, took too long (XA)
        1614,  # rolled back, deadlock (XA)
        1615,  # prepared statement needs to be prepared again
        1665,  # READ COMMITTED cannot be logged with binlog_format=STATEMENT: the engine has now changed it
        1689,  # wait on a lock was aborted
        3572,  # NOWAIT found a lock
        3101,  # group replication undid it
        *(8002, 8022, 8028, 9007),  # TiDB: others wrote, or changed the schema, meanwhile
    ),
    Fault.AWAY: (
        1047,  # a cluster's node that has lost the others, or is not yet in line with them
        1180,  # at the commit: the node lost the others while it asked them
        3100,  # group replication: likewise
        *(3032, 3168),  # offline mode, not available
    ),
    Fault.LOST: (
        *(1053, 1077, 1078, 1079, 1080),  # shutting down
        *(1152, 1184, 1927, 3169, 4031),  # aborted, killed, idle for too long
        *range(1156, 1162),  # packets out of order, errors on the wire
        1317,  # query was interrupted
        *(2006, 2013, 2014, 2018, 2027, 2048, 2055),  # the client's own: gone, lost, out of sync, malformed
    ),
    Fault.UNREACHABLE: (
        *(1042, 1043, 1129, 1130),  # host unknown, bad handshake, blocked, not allowed
        *(1044, 1045, 1049, 1698, 1873),  # user, password, database
        *(1251, 1275, 1524, 2049, 2059, 2061),  # ways of authentication
        *(1820, 1862, 3118, 4151, 3955, 3159),  # password expired, account locked, TLS required
        *(2000, 2001, 2002, 2003, 2004, 2005, 2007, 2011, 2012, 2026),  # the client's own
    ),
    Fault.BUSY: (
        *(1040, 1203, 1226, 1461),  # connections, and a user's statements per hour
        *(1037, 1038, 1041, 1135),  # memory, threads
        *(1206, 1637, 3170),  # locks, transactions, capacity
        1223,  # a backup's read lock
        *(1931, 1969, 3024),  # the statement took longer than the host allows
        *(9000, 9001, 9002, 9003, 9004, 9005),  # ProxySQL has no server for us, TiDB no store
        *(9006, 9008, 9009),
    ),
    Fault.READ_ONLY: (1290, 1836, 1874),
    Fault.REFUSED: (
        *(1142, 1143, 1227, 1370),  # no right to do it: hosts revoke INSERT over quota
        *(1792, 1881),  # read-only in other forms
        *(1021, 1114, 1026, 1197, 1598, 1705, 1878, 3),  # no space
        *(1003, 1004, 1005, 1006, 1009, 1015, 1016, 1017, 1018, 1023, 1024, 1030, 1036),  # files
        *(1033, 1034, 1035, 1194, 1195, 1712, 1812, 1813, 1814, 1815, 1877, 1932),  # damaged
        *(1104, 1175, 1663, 1664, 1666, 1667, 1286, 1289, 1295, 3161, 3098),  # settings of the server
        *(1105, 1181, 1644),  # unknown, at the rollback, raised by a trigger
        *(3180, 3184, 3185),  # encryption
    ),
    Fault.TOO_LARGE: (1118, 1153, 1162, 1301, 2020, 2036),
    Fault.DUPLICATE: (1022, 1062, 1586),
    Fault.SCHEMA: (1054, 1109, 1146),
    # A table, a column, a function, a syntax, a number of values: only our own statements can be wrong there.
    Fault.OTHER: (
        *(1048, 1050, 1051, 1052, 1055, 1056, 1058, 1060, 1061, 1063, 1064, 1065, 1066, 1067, 1068, 1071),
        *(1072, 1075, 1089, 1091, 1093, 1099, 1100, 1101, 1103, 1106, 1107, 1108, 1110, 1111, 1115, 1120),
        *(1136, 1139, 1140, 1149, 1166, 1169, 1170, 1171, 1172, 1176, 1191, 1192, 1193, 1210, 1215, 1216),
        *(1217, 1221, 1222, 1229, 1230, 1231, 1232, 1233, 1234, 1235, 1238, 1241, 1242, 1246, 1247, 1248),
        *(1250, 1253, 1264, 1265, 1267, 1270, 1271, 1273, 1292, 1300, 1305, 1318, 1327, 1364, 1365, 1366),
        *(1367, 1406, 1411, 1416, 1425, 1426, 1451, 1452, 1568, 1582, 1583, 1630, 1690, 3065, 3140, 3819),
        4025,
    ),
}
UNKNOWN = 1105
# What TiDB says under that number when it wants a transaction to be repeated.
_OTHERS_WROTE = re.compile("conflict|try again|retry", re.IGNORECASE)
_BY_NUMBER = {number: fault for fault, numbers in _MYSQL.items() for number in numbers}


def of_mysql(error: Exception) -> Fault:
    """What an error of PyMySQL means."""
    number = error.args[0] if error.args else None
    if isinstance(error, err.InterfaceError):  # its socket is already closed: (0, '')
        return Fault.LOST
    if not isinstance(number, int):
        # Without a number it is PyMySQL itself that cannot make sense of what came.
        return Fault.LOST if isinstance(error, err.InternalError) else Fault.OTHER
    if number == UNKNOWN and _OTHERS_WROTE.search(str(error)):
        return Fault.CONFLICT
    if number in _BY_NUMBER:
        return _BY_NUMBER[number]
    ours = (err.ProgrammingError, err.DataError, err.IntegrityError, err.NotSupportedError)
    return Fault.OTHER if isinstance(error, ours) else Fault.REFUSED


def is_answer(error: Exception) -> bool:
    """Whether the server said this, and not PyMySQL that it said nothing: those numbers are its own."""
    number = error.args[0] if error.args else None
    return isinstance(number, int) and number > 0 and number not in range(2000, 3000)


# By the beginning of SQLite's name for it, or of its message: Python 3.10 does not tell the name.
_SQLITE: dict[Fault, str] = {
    Fault.CONFLICT: (
        "SQLITE_(BUSY|LOCKED|PROTOCOL|SCHEMA)|database (table |schema )?is locked|locking protocol"
        "|database schema has changed"
    ),
    Fault.DUPLICATE: "SQLITE_CONSTRAINT_(UNIQUE|PRIMARYKEY)|UNIQUE",
    Fault.REFUSED: (
        "SQLITE_(READONLY|FULL|PERM|AUTH|NOMEM|NOLFS)|attempt to write a readonly|database or disk is full"
        "|access permission denied|not authorized|out of memory|large file support"
    ),
    Fault.TOO_LARGE: "SQLITE_TOOBIG|string or blob too big",
    Fault.UNREACHABLE: (
        "SQLITE_(CANTOPEN|IOERR|CORRUPT|NOTADB)|unable to|disk I/O error|database disk image is malformed"
        "|file is not a database"
    ),
    Fault.LOST: "SQLITE_INTERRUPT|interrupted",
}
_SQLITE_SCHEMA = re.compile(r"no such (table|column)|table \S+ has no column")


def of_sqlite(error: Exception) -> Fault:
    """What an error of sqlite3 means."""
    if _SQLITE_SCHEMA.match(str(error)):
        return Fault.SCHEMA
    name = getattr(error, "sqlite_errorname", None) or str(error)
    for fault, pattern in _SQLITE.items():
        if re.match(pattern, name):
            return fault
    if isinstance(error, sqlite3.DataError) and "too big" in str(error):
        return Fault.TOO_LARGE
    return Fault.OTHER
