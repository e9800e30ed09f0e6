"""gunicorn, for `make run` and for party.service: `gunicorn -c deploy/gunicorn.conf.py app:application`.

The environment variable GUNICORN_CMD_ARGS wins over what stands here: GUNICORN_CMD_ARGS="--threads 16".
There is no access log: the web server before the app keeps one.

Where the service has a port of its own, --reuse-port shares clients out among the workers: else those that
come at once may all be taken by the worker that wakes up first. It is not for systemd's socket.
"""

import os
import socket
from contextlib import suppress
from importlib import import_module
from typing import Any

# systemd hands over a socket, and then this does not count.
bind = f"127.0.0.1:{os.environ.get('PORT', '8000')}"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
# "gevent" where polls are held (LONG_POLL_SECONDS): there thousands wait in one process. It has to be
# installed first: pip install gevent
worker_class = os.environ.get("WORKER_CLASS", "gthread")
threads = 8
# The most clients of one worker. With gevent, gunicorn's own 1,000 would be too few; with threads, the last
# of more would wait for too long.
worker_connections = 20_000 if worker_class == "gevent" else 1_000
# Longer than a browser's pause between polls, so that a page keeps its connection, and longer than the
# web server keeps its own, so that it never writes into one that is just being closed.
keepalive = 10
# How long a worker that is replaced may finish its requests.
graceful_timeout = 30
# The mount point is SCRIPT_NAME in the environment; as a request's header anybody could send it.
forwarder_headers = ""
# The one header of its kind that our sites overwrite.
secure_scheme_headers = {"X-FORWARDED-PROTO": "https"}
# The control socket would be one file for all servers of a user.
control_socket_disable = True

# Twice what the app takes, and what nginx lets through.
MAX_REFUSED_BYTES = 2 * 1024 * 1024


def on_starting(server: Any) -> None:
    """Start on no port that somebody has: with --reuse-port, the two would share it."""
    for address in server.cfg.address:
        if server.cfg.reuse_port and isinstance(address, tuple):
            socket.create_server(address).close()


def post_request(worker: Any, request: Any, environ: dict[str, Any], response: Any) -> None:
    """After an answer: let others have theirs, and read what the app has left of a body that is too large.

    With gevent a client whose next request is there already would be served before all others. And where a
    body is left, Apache answers 502 in place of 413.
    """
    if worker.cfg.worker_class_str == "gevent":
        import_module("gevent").sleep(0)
    if response is not None and str(response.status).startswith("413"):
        with suppress(Exception):  # chunks without form: the connection ends anyway
            request.body.read(MAX_REFUSED_BYTES)


def post_worker_init(worker: Any) -> None:
    """Let held polls take three of four threads, so that other requests always find one."""
    if worker.cfg.worker_class_str == "gthread":
        worker.wsgi.extensions["party.memory"].waiters.most = worker.cfg.threads * 3 // 4
