"""Prints Grimsel's messages, a line each.

    python -m dectris.grimsel.examples.GrimselMessages --host grimsel.example.org --all
"""

from __future__ import print_function

import argparse
import sys

from dectris.grimsel import DAbstractMessageClient


class MessagePrinter(DAbstractMessageClient.DAbstractMessageClient):
    def processDetails(self, message):
        text = "%s %s: %s" % (message["time"], message["name"], message["longmessage"])
        if message["count"] > 1:
            text += " (%d times)" % message["count"]
        show(text)

    def messagesLost(self, count):
        show("%d messages were missed" % count)

    def connectionLost(self, error):
        show("%s; trying again" % error)


def show(text):
    """Prints a text; what the terminal's character set lacks is written as an escape."""
    if str is not bytes:
        encoding = sys.stdout.encoding or "ascii"
        text = text.encode(encoding, "backslashreplace").decode(encoding)
    print(text)
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description="Prints Grimsel's messages.")
    parser.add_argument("--host", default="127.0.0.1", help="Grimsel's computer (default: this one)")
    parser.add_argument("--port", default="47198", help="message_port (default: 47198)")
    parser.add_argument(
        "--timeout", type=float, default=10, help="seconds until a broken connection is opened again (default: 10)"
    )
    parser.add_argument("--all", action="store_true", help="messages that the vendor's manual doesn't know, too")
    options = parser.parse_args()

    client = MessagePrinter(options.host, options.port, options.timeout)
    if options.all:
        client.setCodes(DAbstractMessageClient.ALL_CODES)
    client.connect()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
