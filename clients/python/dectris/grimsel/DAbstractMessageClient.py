"""Reacts to Grimsel's messages."""

import base64
import time

# Programs either import this module from its package, or have its folder in sys.path.
if "." in __name__:
    from . import DClientSocket
else:
    import DClientSocket

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 47198

# Error codes, and what the short message is.
FILLSTATE_LIMIT = 1  # mount point
ALMOST_OVERFLOW = 2  # mount point
DISK_OVERFLOW = 3  # mount point
COPY_ERROR = 4  # src:dest
LINK_ERROR = 5  # file name
DEL_ERROR = 6  # file name

# Further ones, for those who ask for them with setCodes.
STORAGE_UNAVAILABLE = 101  # target
STORAGE_BACK = 102  # target
COLLISION = 103  # dest
SHIFT_CLEARED = 104  # mount point

#: Names by error code.
NAMES = {
    FILLSTATE_LIMIT: "FILLSTATE_LIMIT",
    ALMOST_OVERFLOW: "ALMOST_OVERFLOW",
    DISK_OVERFLOW: "DISK_OVERFLOW",
    COPY_ERROR: "COPY_ERROR",
    LINK_ERROR: "LINK_ERROR",
    DEL_ERROR: "DEL_ERROR",
    STORAGE_UNAVAILABLE: "STORAGE_UNAVAILABLE",
    STORAGE_BACK: "STORAGE_BACK",
    COLLISION: "COLLISION",
    SHIFT_CLEARED: "SHIFT_CLEARED",
}

#: The codes that a client is told unless it asks for others: those that programs written to the manual know.
MANUAL_CODES = (FILLSTATE_LIMIT, ALMOST_OVERFLOW, DISK_OVERFLOW, COPY_ERROR, LINK_ERROR, DEL_ERROR)

#: All codes.
ALL_CODES = tuple(sorted(NAMES))


class DAbstractMessageClient(object):
    """A client of the message port: reimplement processMessage, then call connect.

    host     address or name of Grimsel's computer; None is this one
    port     port number, numeric or string: Grimsel's message_port; None is 47198
    timeout  seconds until a broken connection is opened again; 0 raises DClientSocket.DSocketNoConnect instead
    """

    #: Seconds that a connection may take to be opened.
    connectTimeout = 30.0

    # Here, since subclasses may leave out __init__.
    __host = None
    __port = None
    __timeout = 0
    __codes = MANUAL_CODES
    # The last message: what comes after it is asked for when the connection is opened again.
    __after = None
    # Seconds after which a silent connection is taken for broken.
    __silence = 60.0

    def __init__(self, host=None, port=None, timeout=0):
        super(DAbstractMessageClient, self).__init__()
        self.setHost(host)
        self.setPort(port)
        self.setTimeout(timeout)

    def host(self):
        return self.__host

    def setHost(self, host):
        self.__host = host
        self.__after = None

    def port(self):
        return self.__port

    def setPort(self, port):
        if port is not None:
            DClientSocket.checkPort(port)
        self.__port = port
        self.__after = None

    def timeout(self):
        return self.__timeout

    def setTimeout(self, timeout):
        DClientSocket.checkSeconds("timeout", timeout)
        self.__timeout = timeout

    def codes(self):
        return self.__codes

    def setCodes(self, codes):
        """Chooses the error codes that processMessage is called with, from the next connect on."""
        codes = tuple(codes)
        unknown = [code for code in codes if code not in NAMES]
        if unknown:
            raise ValueError("unknown error codes: %r" % (unknown,))
        self.__codes = codes

    def connect(self):
        """Waits for messages, and calls processMessage with each: for ever, or until that raises something.

        Raises DClientSocket.DSocketNoConnect if there is no connection, or if it breaks, and the timeout is 0; and
        DClientSocket.DSocketProtocolError, whatever the timeout is, if it isn't Grimsel that answers.
        """
        connection = None
        try:
            while True:
                try:
                    if connection is None:
                        connection = self.__open()
                    line = connection.receive(self.__silence)
                except DClientSocket.DSocketProtocolError:
                    raise
                except DClientSocket.DSocketNoConnect as error:
                    if connection is not None:
                        connection.close()
                        connection = None
                    seconds = DClientSocket.checkSeconds("timeout", self.__timeout)
                    if seconds == 0:
                        raise
                    self.connectionLost(error)
                    time.sleep(seconds)
                    continue
                self.__dispatch(line, connection.hello["session"])
        finally:
            if connection is not None:
                connection.close()

    def processMessage(self, errcode, shortmessage, longmessage):
        """Called with each message. Reimplement it.

        errcode       one of the codes of this module
        shortmessage  what the message is about
        longmessage   a sentence for people

        Both texts can be printed: control characters, and bytes of file names that aren't UTF-8, are written as \\x1b
        and the like.
        """
        raise NotImplementedError("reimplement processMessage in a subclass of DAbstractMessageClient")

    def processDetails(self, message):
        """Called with each message's dictionary; calls processMessage. Reimplement it to get at all that it holds.

        errcode, name              the code as number and as name
        shortmessage, longmessage  as in processMessage
        shortbytes                 the short message as bytes, as exact as the file's name
        time                       when it happened, or happened last: ISO 8601 with Grimsel's time zone
        count                      how many times it happened since it was last told
        storage                    id of the storage concerned; None if none is
        """
        self.processMessage(message["errcode"], message["shortmessage"], message["longmessage"])

    def messagesLost(self, count):
        """Called if messages were too many or too old to be kept until they could be received. Does nothing."""

    def connectionLost(self, error):
        """Called before a broken connection, or one that can't be opened, is tried again. Does nothing."""

    def __open(self):
        host = DEFAULT_HOST if self.__host is None else self.__host
        port = DEFAULT_PORT if self.__port is None else self.__port
        connection = DClientSocket.DClientSocket(host, port, "grimsel-messages", self.connectTimeout)
        try:
            hello = connection.hello
            try:
                # Grimsel gives a sign of life now and then: a computer that is switched off says no farewell.
                self.__silence = 3 * DClientSocket.checkSeconds("heartbeat", hello["heartbeat"]) + 1
                here = {"session": str(hello["session"]), "seq": int(hello["seq"])}
            except (KeyError, OverflowError, TypeError, ValueError) as error:
                raise DClientSocket.DSocketProtocolError("Grimsel's greeting is wrong: %r" % (error,))
            if self.__after is None:
                self.__after = here
            names = [NAMES[code] for code in self.__codes]
            connection.send({"subscribe": names, "after": self.__after})
            # What comes before the answer comes again after it.
            while connection.receive().get("type") != "subscribed":
                pass
            return connection
        except BaseException:
            connection.close()
            raise

    def __dispatch(self, line, session):
        if line.get("type") == "lost":
            self.messagesLost(line.get("count"))
        if line.get("type") != "message":
            return
        try:
            message = {
                "errcode": line["errcode"],
                "name": line["name"],
                "shortmessage": line["shortmessage"],
                "shortbytes": _bytesOf(line),
                "longmessage": line["longmessage"],
                "time": line["time"],
                "count": line["count"],
                "storage": line.get("storage"),
            }
            after = {"session": session, "seq": int(line["seq"])}
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise DClientSocket.DSocketProtocolError("Grimsel's message is wrong: %r" % (error,))
        # Before it is processed: one that a program fails at is not told again and again.
        self.__after = after
        if message["errcode"] in self.__codes:
            self.processDetails(message)


def _bytesOf(line):
    if "shortbytes" in line:
        return base64.b64decode(line["shortbytes"])
    short = line["shortmessage"]
    return short if isinstance(short, bytes) else short.encode("utf-8")
