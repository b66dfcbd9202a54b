"""Asks Grimsel how many files of each user shift are pending, copied and failed on each storage."""

# Programs either import this module from its package, or have its folder in sys.path.
if "." in __name__:
    from . import DClientSocket
else:
    import DClientSocket

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 47199

#: What the dictionaries hold.
KEYS = ("usertime", "uid", "gid", "storage", "pending", "copied", "failed")


class DQueryStatusClient(object):
    """A client of the status port.

    host  address or name of Grimsel's computer; None is this one
    port  port number, numeric or string: Grimsel's status_port; None is 47199
    """

    #: Seconds that Grimsel may be silent for, until queryStatus raises DClientSocket.DSocketNoAnswer.
    answerTimeout = 30.0

    # Here, since subclasses may leave out __init__.
    __host = None
    __port = None

    def __init__(self, host=None, port=None):
        super(DQueryStatusClient, self).__init__()
        self.setHost(host)
        self.setPort(port)

    def host(self):
        return self.__host

    def setHost(self, host):
        self.__host = host

    def port(self):
        return self.__port

    def setPort(self, port):
        if port is not None:
            DClientSocket.checkPort(port)
        self.__port = port

    def queryStatus(self, nusers=-1):
        """Returns a list of dictionaries, one for each shift and storage, the newest shift first.

        nusers  number of shifts, the newest ones; -1 is all that Grimsel remembers

        usertime, uid, gid       start (ISO 8601 with Grimsel's time zone), uid and gid of the shift
        storage                  id of the storage
        pending, copied, failed  numbers of files

        Raises DClientSocket.DSocketNoConnect if Grimsel can't be asked.
        """
        if int(nusers) < -1:
            raise ValueError("nusers must be -1 or more, not %r" % (nusers,))
        host = DEFAULT_HOST if self.__host is None else self.__host
        port = DEFAULT_PORT if self.__port is None else self.__port
        connection = DClientSocket.DClientSocket(host, port, "grimsel-status", self.answerTimeout)
        try:
            connection.send({"query": "status", "nusers": int(nusers)})
            return list(self.__entries(connection))
        finally:
            connection.close()

    def __entries(self, connection):
        while True:
            line = connection.receive()
            if line.get("type") == "end":
                return
            if line.get("type") != "entry":
                continue
            try:
                entry = dict((key, line[key]) for key in KEYS)
            except KeyError as missing:
                raise DClientSocket.DSocketProtocolError("Grimsel's status has no %s" % missing)
            yield entry
