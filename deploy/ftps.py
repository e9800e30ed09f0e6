"""The account over FTP with TLS, as every shared host offers it."""

import ftplib
import io
import posixpath
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import SecretStr

from deploy.account import Uploaded
from deploy.errors import DISK_FULL, ConnectionLost, DeployError
from deploy.retry import persistent

PORT = 21
TIMEOUT_SECONDS = 30
NOT_LOGGED_IN = "530"
REFUSED = "550"
# Servers word it differently, and some give no code of its own.
_FULL = re.compile(r"^[45]52|no space|quota|disk full|writing to local file", re.IGNORECASE)


class _Socket(ssl.SSLSocket):
    """Of a data connection, for which it is the control connection that tells whether all has arrived."""

    def unwrap(self) -> socket.socket:
        # OpenSSL cannot say goodbye while it is reading a session ticket that the server sent late.
        with suppress(ssl.SSLError):
            return super().unwrap()
        return self


class _Connection(ftplib.FTP_TLS):
    """Data connections go on with the control connection's TLS session, which strict servers demand."""

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        assert isinstance(self.sock, ssl.SSLSocket)
        wrapped = self.context.wrap_socket(connection, server_hostname=self.host, session=self.sock.session)
        return wrapped, size


class FtpsAccount:
    """Connects when it is first needed, and again after the connection broke."""

    has_shell = False

    def __init__(
        self, host: str, port: int | None, user: str, password: SecretStr, authority: Path | None
    ) -> None:
        self._address = (host, port or PORT)
        self._user = user
        self._password = password
        try:
            self._context = ssl.create_default_context(cafile=authority)
        except OSError as error:
            raise DeployError(f"setting certificate_authority: {error}") from error
        self._context.sslsocket_class = _Socket
        self._open: _Connection | None = None
        self._was_open = False

    @persistent
    def read(self, path: str) -> bytes | None:
        content = io.BytesIO()
        with self._connection(path) as ftp:
            try:
                ftp.retrbinary(f"RETR {path}", content.write)
            except ftplib.error_perm as error:
                if self._size(ftp, path) is None:
                    return None
                raise DeployError(f"{path} cannot be read: {error}") from error
        return content.getvalue()

    @persistent
    def exists(self, path: str) -> bool:
        with self._connection(path) as ftp:
            return self._size(ftp, path) is not None

    @persistent
    def write(self, path: str, content: bytes) -> None:
        with self._connection(path) as ftp:
            draft = f"{path}.part"
            try:
                ftp.storbinary(f"STOR {draft}", io.BytesIO(content))
            except OSError:
                # A server that cannot go on drops the data, and says why on the control connection.
                ftp.voidresp()
                raise
            # Some servers keep quiet about an upload that was cut short.
            if self._size(ftp, draft) != len(content):
                raise ConnectionLost(f"{path} has not arrived whole")
            ftp.rename(draft, path)

    def upload(self, folder: str, files: Mapping[str, bytes], uploaded: Uploaded) -> None:
        for name, content in files.items():
            self.write(f"{folder}/{name}", content)
            uploaded(name)

    @persistent
    def names(self, folder: str) -> set[str]:
        with self._connection(folder) as ftp:
            try:
                return {posixpath.basename(path) for path in ftp.nlst(folder)} - {".", ".."}
            except (ftplib.error_perm, ftplib.error_temp) as error:
                # An empty folder, or none: servers disagree about the code.
                if str(error)[:3] in (REFUSED, "450"):
                    return set()
                raise

    @persistent
    def make_folder(self, folder: str) -> None:
        with self._connection(folder) as ftp:
            path = ""
            for part in folder.split("/"):
                path += part
                # The folders above ours may belong to others: what exists is entered, not made.
                if path and not self._is_folder(ftp, path):
                    ftp.mkd(path)
                path += "/"

    @persistent
    def rename_folder(self, old: str, new: str) -> bool:
        with self._connection(new) as ftp:
            try:
                ftp.rename(old, new)
            except (ftplib.error_perm, ftplib.error_temp):
                # Pure-FTPd, cPanel's own, counts a folder that is not empty among what may pass: 451.
                if not self._is_folder(ftp, new):
                    raise
                return False
        return True

    @persistent
    def remove(self, path: str) -> None:
        with self._connection(path) as ftp:
            if self._size(ftp, path) is not None:
                ftp.delete(path)

    @persistent
    def remove_folder(self, folder: str) -> None:
        with self._connection(folder) as ftp:
            if self._is_folder(ftp, folder):
                ftp.rmd(folder)

    def run(self, *command: str, given: str = "") -> str:
        raise DeployError("an FTP account has no shell")

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    @staticmethod
    def _size(ftp: _Connection, path: str) -> int | None:
        """A file's size in bytes; None if there is no such file."""
        ftp.voidcmd("TYPE I")
        try:
            return ftp.size(path)
        except ftplib.error_perm as error:
            if str(error).startswith(REFUSED):
                return None
            raise

    @staticmethod
    def _is_folder(ftp: _Connection, path: str) -> bool:
        home = ftp.pwd()
        try:
            ftp.cwd(path)
        except ftplib.error_perm:
            return False
        ftp.cwd(home)
        return True

    @contextmanager
    def _connection(self, path: str) -> Iterator[_Connection]:
        """The open connection; what goes wrong with it, or with `path`, is told in an admin's words."""
        try:
            if self._open is None:
                self._open = self._connect()
            yield self._open
        except (EOFError, OSError, ftplib.error_proto) as error:
            self.close()
            raise ConnectionLost(f"the connection broke ({str(error) or 'closed by the server'})") from error
        except ftplib.Error as error:
            if _FULL.search(str(error)):
                raise DeployError(f"{DISK_FULL} ({path}: {error})") from error
            if str(error)[:3] in ("421", "425", "426"):
                self.close()
                raise ConnectionLost(f"the connection broke ({error})") from error
            raise DeployError(f"the server refused {path}: {error}") from error
        except KeyboardInterrupt:
            # What the server has yet to answer would be taken for the answer to the next command.
            self.close()
            raise

    def _connect(self) -> _Connection:
        host, port = self._address
        ftp = _Connection(context=self._context, timeout=TIMEOUT_SECONDS)
        try:
            ftp.connect(host, port)
            ftp.auth()
        except ssl.SSLCertVerificationError as error:
            ftp.close()
            raise DeployError(
                f"the certificate of {host} cannot be trusted: {error.verify_message}"
            ) from error
        except (ftplib.Error, OSError, EOFError) as error:
            ftp.close()
            if self._was_open:
                raise
            raise DeployError(f"no FTP with TLS at {host}, port {port}: {error}") from error
        try:
            ftp.login(self._user, self._password.get_secret_value())
        except ftplib.error_perm as error:
            ftp.close()
            if str(error).startswith(NOT_LOGGED_IN):
                raise DeployError(f"{host} refused the user name or the password ({error})") from None
            raise
        ftp.prot_p()
        with suppress(ftplib.error_perm):
            # The web server reads .htaccess as another user. vsftpd's default is 077, and it takes this.
            ftp.sendcmd("SITE UMASK 022")
        self._was_open = True
        return ftp
