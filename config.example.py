"""Every setting with its default. Copy this file to config.py on the server and change what you need.

The same names with PARTY_ before them work in the environment and in a file named .env, and win over
this file. A name that does not exist, or a value that cannot work, stops the start with one line. Lists
may be written as texts everywhere, with commas ("https://a.example, https://b.example") or as JSON.
"""

# Where rooms are kept. On MySQL: "mysql://user:password@localhost/database", which takes the usual socket
# where there is one, "mysql://user:password@host:port/database", or with another socket
# "mysql://user:password@localhost/database?unix_socket=/path". In the user and the password, @ is written
# %40, : %3A, / %2F, ? %3F, # %23 and % %25. Relative paths of SQLite count from this folder.
# DATABASE_URL = "sqlite:///instance/party.sqlite3"

# Several servers of one cluster stand with commas between them, the preferred one first:
# "mysql://user:password@db1,db2,db3/database" (docs/several-machines.md). TLS is used where the server offers
# it; "?ssl_verify=identity" demands it, with a certificate for that host, "ca" with any of an authority,
# "none" with any at all. "?ssl_ca=/path/to/ca.pem" names the authority; "&" stands between two options.

# Connections per process, opened when needed. A Passenger process never needs more than 2.
# DB_POOL_SIZE = 4

# Several processes or machines hear of each other's changes sooner through a Redis, and count what a member
# may do together. Needs: pip install -r requirements-redis.txt
# REDIS_URL = "redis://localhost:6379/0"

# Keys the hashes of client addresses. Made and kept in instance/ on SQLite; required on MySQL:
#   python3 -c "import secrets; print(secrets.token_urlsafe(32))"
# SECRET_KEY = "..."

# Sites whose pages may call this service: ["https://example.org"], as browsers send it: without a path,
# a slash at the end, or the usual port. Empty: only its own; "*": any.
# ALLOWED_ORIGINS = []

# How many proxies of yours stand before the app and append to X-Forwarded-For.
# TRUSTED_PROXIES = 0

# Per client address (IPv6: its /64). Guesses are wrong codes and wrong passwords; looks are all look-ups
# and joins.
# ROOMS_PER_HOUR = 10
# GUESSES_PER_MINUTE = 60
# LOOKS_PER_MINUTE = 300

# Limits of their own for addresses that many people share, such as a school's (docs/schools.md).
# TRUSTED_NETWORKS = {"192.0.2.0/24": {"ROOMS_PER_HOUR": 500, "LOOKS_PER_MINUTE": 3000}}

# Per member, counted in each process, or with REDIS_URL in all.
# POLLS_PER_SECOND = 20
# SENDS_PER_SECOND = 50

# Where no path opens between two browsers, a member may send so much data through the service. 0: none.
# RELAY_KIB_PER_MINUTE = 256

# Whether a body may come as base64url, past a firewall that takes its words for an attack.
# ENCODED_BODIES = True

# The most that a room may ask for.
# MAX_PARTICIPANTS = 50

# A room ends this long after a member last polled or changed anything.
# ROOM_TTL_HOURS = 2

# The most that whoever opens a room may ask for in its place (`ttlHours`), so that a class finds the next
# day what was written there.
# MAX_ROOM_TTL_HOURS = 48

# A room is shown as ended, and can be exported, for so long; then it is purged and its code becomes free.
# ROOM_KEPT_DAYS = 1

# How long it is kept who came when and what was played (docs/privacy.md). 0: nothing of it is noted, and what
# there is goes.
# HISTORY_DAYS = 30

# A signal that is not acknowledged within this time is dropped, and its sender told.
# SIGNAL_TTL_SECONDS = 120

# How long messages are kept, at most: no longer than their room.
# MESSAGE_TTL_HOURS = 48

# Whether members may upload images, how much room all of them may take in MiB, and the folder that keeps
# them: never below the document root. Relative paths count from this folder.
# IMAGES = False
# IMAGES_MB = 200
# IMAGES_FOLDER = "instance/images"

# A member counts as online if it polled within this time. Browsers let a hidden tab's timers run
# once a minute.
# ONLINE_SECONDS = 90

# Who has not been seen for longer is shown as disconnected, and then leaves, so that the place is free.
# Each must be more than the one before, ONLINE_SECONDS being the first.
# DISCONNECTED_AFTER_SECONDS = 300
# SEAT_FREED_AFTER_SECONDS = 600

# In rooms that want it so, another one is host when the host has not been seen for so long. No less than
# ONLINE_SECONDS.
# HOST_GONE_AFTER_SECONDS = 120

# How long a poll may be held until something comes. 0: answer at once, as shared hosting needs it,
# where every held request occupies a process: behind Passenger it counts as 0, whatever stands here.
# LONG_POLL_SECONDS = 0

# stun:host or stun:host:port.
# STUN_URLS = ["stun:stun.l.google.com:19302"]

# A TURN server with coturn's `use-auth-secret`: its addresses, its secret, and how long the
# credentials that we make for members are good.
# TURN_URLS = ["turn:turn.example.org:3478"]
# TURN_SECRET = "..."
# TURN_TTL_SECONDS = 3600

# A TURN server of somebody else's: "static" (TURN_URLS with TURN_USERNAME and TURN_CREDENTIAL) or
# "cloudflare" (TURN_KEY_ID and TURN_API_TOKEN), whose credentials are good for TURN_TTL_SECONDS.
# TURN_PROVIDER = "coturn"
# TURN_USERNAME = None
# TURN_CREDENTIAL = None
# TURN_KEY_ID = None
# TURN_API_TOKEN = None

# "relay": pages connect over the TURN server only, and learn nothing of each other's addresses.
# ICE_POLICY = "all"

# Whether pages' reports of their connections are counted, per day, for `python -m party stats` and /metrics.
# CONNECTION_REPORTS = True

# Who knows this token may read /metrics. Without one: only this machine.
# METRICS_TOKEN = "..."

# Who knows this token, of at least 24 characters, may enter /admin: what runs, and the last thirty days.
# Without one there is no such page.
# ADMIN_TOKEN = "a long random text of your own"

# Whether / shows the demo page. True on SQLite, False on MySQL.
# DEMO = True

# Whether /play shows the pages of the quiz. True on SQLite, False on MySQL.
# PLAY = True

# Serve the paths of the PHP backend that this service replaces. There an id is the credential: see
# docs/moving-from-php.md.
# LEGACY_PHP_PATHS = False
