"""A Galera cluster on the loopback interface: three MariaDB servers, of which each has all data."""

import re
import subprocess
import time
from pathlib import Path

import pymysql

from tests.support.mariadb import DatabaseUrls, MariaDB
from tests.support.processes import free_port, missing

PROVIDER = Path("/usr/lib/galera/libgalera_smm.so")
SYNC_SECONDS = 60


class Node(MariaDB):
    """One server of a cluster, which it joins with every start."""

    name = "Galera"

    def __init__(self, cluster: "Galera", number: int) -> None:
        self._cluster = cluster
        self.number = number
        self.group_port, self.state_port, self.copy_port = free_port(), free_port(), free_port()
        super().__init__()

    def _install(self) -> None:
        if self.number == 1:
            super()._install()
            return
        # All begin with the same data, so that none has to be sent any.
        self._installer()
        subprocess.run(["cp", "-a", self._cluster.nodes[0].folder / "data", self.folder], check=True)

    def start(self) -> None:
        """Start, once the cluster has all its servers, and wait until all is here that the others have."""
        if self._cluster.is_complete:
            self._start()

    def bootstrap(self) -> None:
        """Start as the first, whom the others join: with what was committed here, and nothing else."""
        if self._state.exists():
            text = self._state.read_text()
            self._state.write_text(text.replace("safe_to_bootstrap: 0", "safe_to_bootstrap: 1"))
        self._start("--wsrep-new-cluster")

    def isolate(self, yes: bool = True) -> None:
        """Part this server from the others, or bring it back; whoever asks it still reaches it."""
        self.execute(f"SET GLOBAL wsrep_provider_options = 'gmcast.isolate={int(yes)}'")

    def is_synced(self) -> bool:
        """Whether it has all that the others have, and may be asked."""
        try:
            return self.status("local_state_comment") == "Synced"
        except pymysql.err.MySQLError:
            return False

    def status(self, name: str) -> str:
        """One of its `wsrep_` figures."""
        found = self.query(f"SHOW STATUS LIKE 'wsrep_{name}'")
        return str(found[0]["Value"]) if found else ""

    def _start(self, *options: str) -> None:
        if self._state.exists():
            options = (f"--wsrep-start-position={self._position()}", *options)
        self._options = (*self._cluster.options(self), *options)
        super().start()
        deadline = time.monotonic() + SYNC_SECONDS
        while not self.is_synced():
            if time.monotonic() > deadline or (self._process and self._process.poll() is not None):
                log = (self.folder / "error.log").read_text(errors="replace")
                raise RuntimeError(f"node {self.number} did not join:\n{log[-5000:]}")
            time.sleep(0.05)

    def _position(self) -> str:
        """Up to where its data are, as it has noted when it stopped, or as the data themselves tell."""
        found = dict(re.findall(r"(uuid|seqno): *(\S+)", self._state.read_text()))
        if found["seqno"] != "-1":
            return f"{found['uuid']}:{found['seqno']}"
        log = self.folder / "recovery.log"
        log.unlink(missing_ok=True)
        command = [
            *(*self._server(), f"--datadir={self.folder}/data", f"--log-error={log}"),
            *(*self._cluster.options(self), "--wsrep-recover", "--skip-networking"),
        ]
        subprocess.run(command, check=True, env=self._environment, stderr=subprocess.DEVNULL)
        return str(re.findall(r"Recovered position:\s*(\S+)", log.read_text(errors="replace"))[-1])

    @property
    def _state(self) -> Path:
        return self.folder / "data/grastate.dat"


class Galera:
    """Three of them, started."""

    def __init__(self, size: int = 3) -> None:
        if not PROVIDER.exists():
            missing("galera-4 is not installed (Debian's package galera-4)")
        self.is_complete = False
        self.nodes: list[Node] = []
        try:
            self._start(size)
        except BaseException:
            self.remove()
            raise

    def _start(self, size: int) -> None:
        first = Node(self, 1)
        self.nodes.append(first)
        first.bootstrap()
        first.stop()
        for number in range(2, size + 1):
            self.nodes.append(Node(self, number))
        self.is_complete = True
        first.bootstrap()
        for node in self.nodes[1:]:
            node.start()

    def options(self, node: Node) -> list[str]:
        """What makes a server a part of this cluster; it gives up a silent one after a second."""
        provider = {
            "gmcast.listen_addr": f"tcp://127.0.0.1:{node.group_port}",
            "ist.recv_addr": f"127.0.0.1:{node.state_port}",
            "gcache.size": "8M",
            "evs.suspect_timeout": "PT1S",
            "evs.keepalive_period": "PT0.3S",
            "evs.inactive_check_period": "PT0.3S",
            "pc.recovery": "false",
        }
        others = ",".join(f"127.0.0.1:{other.group_port}" for other in self.nodes)
        return [
            "--wsrep-on=ON",
            f"--wsrep-provider={PROVIDER}",
            f"--wsrep-cluster-address=gcomm://{others}",
            "--wsrep-cluster-name=party",
            f"--wsrep-node-address=127.0.0.1:{node.group_port}",
            f"--wsrep-node-name=node{node.number}",
            f"--wsrep-sst-receive-address=127.0.0.1:{node.copy_port}",
            f"--wsrep-provider-options={';'.join(f'{key}={value}' for key, value in provider.items())}",
            "--binlog-format=ROW",
            "--innodb-autoinc-lock-mode=2",
            "--innodb-buffer-pool-size=16M",
            "--innodb-temp-data-file-path=ibtmp1:1M:autoextend",
        ]

    def create_database(self, name: str) -> DatabaseUrls:
        """A database with its two users, and URLs with all nodes, the first one preferred."""
        urls = self.nodes[0].create_database(name)
        return DatabaseUrls(admin=self.on(urls.admin, *self.nodes), app=self.on(urls.app, *self.nodes))

    def on(self, url: str, *nodes: Node) -> str:
        """The URL with these nodes, in this order of preference."""
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in nodes)
        return re.sub(r"@[^/]+/", f"@{hosts}/", url)

    def heal(self) -> None:
        """Bring back whatever a test took away, and wait until all are one again."""
        for node in self.nodes:
            if not node.is_running:
                node.start()
        deadline = time.monotonic() + SYNC_SECONDS
        while not all(self._is_whole(node) for node in self.nodes):
            if time.monotonic() > deadline:
                raise RuntimeError("the cluster did not come together again")
            time.sleep(0.05)

    def _is_whole(self, node: Node) -> bool:
        return node.is_synced() and node.status("cluster_size") == str(len(self.nodes))

    def remove(self) -> None:
        """Stop all for good."""
        for node in self.nodes:
            node.remove()
