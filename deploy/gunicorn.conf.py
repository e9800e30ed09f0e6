"""gunicorn for `make run` and a small server: `gunicorn -c deploy/gunicorn.conf.py app:application`."""

import os

bind = f"127.0.0.1:{os.environ.get('PORT', '8000')}"
workers = 2
worker_class = "gthread"
threads = 8
# Longer than a browser's pause between polls, so that a page keeps its connection.
keepalive = 10
# The control socket would be one file for all servers of a user.
control_socket_disable = True
