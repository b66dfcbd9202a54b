"""Connections to Grimsel's ports, and what can go wrong with them.

A connection carries lines of JSON. The server begins, with the protocol's name and version.
"""

import errno
import json
import math
import socket
import time

#: Bytes of a line that a server may send. Grimsel's own are much shorter.
MAX_LINE = 1024 * 1024

#: Version of the protocols that is spoken here.
VERSION = 1

_now = getattr(time, "monotonic", time.time)


class DSocketError(Exception):
    """Anything that is wrong with a connection."""


class DSocketNoConnect(DSocketError):
    """There is no connection, or it broke, or the server refused it."""


class DSocketNoAnswer(DSocketNoConnect):
    """The server said nothing for too long."""


class DSocketProtocolError(DSocketNoConnect):
    """What answers isn't Grimsel's port of that kind, or is of another version."""


class DClientSocket(object):
    """An open connection.

    host      address or name of Grimsel's computer
    port      port number, numeric or string
    protocol  the protocol that the server must speak
    timeout   seconds for connecting, and for a line to be sent or received
    """

    def __init__(self, host, port, protocol, timeout=30.0):
        self._where = "%s port %s" % (host, port)
        self._timeout = timeout
        self._received = bytearray()
        self.hello = None
        self._socket = self._open(host, checkPort(port))
        try:
            self.hello = self.receive()
            self._check(protocol)
        except BaseException:
            self.close()
            raise

    def send(self, message):
        """Sends a dictionary as a line."""
        line = json.dumps(message).encode("ascii") + b"\n"
        try:
            self._socket.settimeout(self._timeout)
            self._socket.sendall(line)
        except socket.timeout:
            raise DSocketNoAnswer("Grimsel at %s takes no request" % self._where)
        except socket.error as error:
            raise DSocketNoConnect("connection to Grimsel at %s: %s" % (self._where, error))

    def receive(self, timeout=None):
        """Waits for a line, and returns its dictionary."""
        deadline = _now() + (self._timeout if timeout is None else timeout)
        searched = 0
        while True:
            end = self._received.find(b"\n", searched)
            if end >= 0:
                line = bytes(self._received[:end])
                del self._received[: end + 1]
                return self._parse(line)
            searched = len(self._received)
            if searched > MAX_LINE:
                raise DSocketProtocolError("%s: a line has more than %d bytes" % (self._where, MAX_LINE))
            self._received += self._read(deadline)

    def close(self):
        self._socket.close()

    def _open(self, host, port):
        try:
            opened = socket.create_connection((host, port), self._timeout)
        # A name that can't be one is a UnicodeError.
        except (socket.error, UnicodeError) as error:
            raise DSocketNoConnect("no connection to Grimsel at %s: %s" % (self._where, error))
        try:
            # With nobody at a port of this computer the system may choose that very port for this end, and both ends
            # are one: that would keep Grimsel from its port.
            if opened.getsockname() == opened.getpeername():
                raise DSocketNoConnect("no connection to Grimsel at %s: nobody is there" % self._where)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        except socket.error as error:
            opened.close()
            raise DSocketNoConnect("no connection to Grimsel at %s: %s" % (self._where, error))
        except DSocketNoConnect:
            opened.close()
            raise
        return opened

    def _read(self, deadline):
        while True:
            left = deadline - _now()
            try:
                if left <= 0:
                    raise socket.timeout()
                self._socket.settimeout(left)
                data = self._socket.recv(65536)
            except socket.timeout:
                raise DSocketNoAnswer("no answer from Grimsel at %s" % self._where)
            except socket.error as error:
                if error.errno == errno.EINTR:
                    continue
                raise DSocketNoConnect("connection to Grimsel at %s: %s" % (self._where, error))
            if not data:
                how = " in the middle of a line" if self._received else ""
                raise DSocketNoConnect("Grimsel at %s closed the connection%s" % (self._where, how))
            return data

    def _parse(self, line):
        try:
            message = json.loads(line.decode("utf-8"))
        # What is nested too deeply is a RuntimeError.
        except (ValueError, RuntimeError):
            message = None
        if not isinstance(message, dict):
            if self.hello is None:
                raise DSocketProtocolError("%s: what answers there isn't Grimsel" % self._where)
            raise DSocketNoConnect("connection to Grimsel at %s: a line is garbled" % self._where)
        message = _native(message)
        if message.get("type") == "error":
            raise DSocketNoConnect(
                "Grimsel at %s: %s (%s)" % (self._where, message.get("message"), message.get("code"))
            )
        return message

    def _check(self, protocol):
        found = (self.hello.get("protocol"), self.hello.get("version"))
        if found != (protocol, VERSION):
            raise DSocketProtocolError(
                "%s: expected is protocol %s version %s, there is %s version %s"
                % ((self._where, protocol, VERSION) + found)
            )


def checkPort(port):
    """A port as a number; ValueError if it is none."""
    try:
        number = int(port)
    except (TypeError, ValueError):
        number = 0
    if 1 <= number <= 65535:
        return number
    raise ValueError("port must be a number from 1 to 65535, not %r" % (port,))


def checkSeconds(name, seconds):
    """A time as a number; ValueError if it is none."""
    try:
        number = float(seconds)
    except (TypeError, ValueError):
        number = -1.0
    # Not a number is neither more nor less than 0.
    if number >= 0 and not math.isinf(number):
        return number
    raise ValueError("%s must be a number of seconds from 0, not %r" % (name, seconds))


def _native(value):
    """Texts as str: in Python 2 these are UTF-8 bytes, which can be printed and joined with other str."""
    if str is not bytes:
        return value
    if isinstance(value, dict):
        return dict((_native(key), _native(inner)) for key, inner in value.items())
    if isinstance(value, list):
        return [_native(inner) for inner in value]
    return value.encode("utf-8") if isinstance(value, type(u"")) else value
