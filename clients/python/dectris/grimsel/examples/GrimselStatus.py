"""Shows Grimsel's status as a table, again and again.

    python -m dectris.grimsel.examples.GrimselStatus --host grimsel.example.org --interval 5
"""

from __future__ import print_function

import argparse
import sys
import time

from dectris.grimsel import DClientSocket, DQueryStatusClient

TITLES = (
    ("usertime", "User Time"),
    ("uid", "UID"),
    ("gid", "GID"),
    ("storage", "Storage"),
    ("pending", "Pending"),
    ("copied", "Copied"),
    ("failed", "Failed"),
)
NUMBERS = ("uid", "gid", "pending", "copied", "failed")


def table(entries):
    """The entries as lines of text: numbers to the right, the rest to the left."""
    rows = [[title for _, title in TITLES]] + [[str(entry[key]) for key, _ in TITLES] for entry in entries]
    widths = [max(len(row[column]) for row in rows) for column in range(len(TITLES))]
    lines = []
    for row in rows:
        cells = [
            text.rjust(width) if key in NUMBERS else text.ljust(width)
            for text, width, (key, _) in zip(row, widths, TITLES)
        ]
        lines.append(" | ".join(cells).rstrip())
    lines.insert(1, "-+-".join("-" * width for width in widths))
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description="Shows how many files are pending, copied and failed.")
    parser.add_argument("--host", default="127.0.0.1", help="Grimsel's computer (default: this one)")
    parser.add_argument("--port", default="47199", help="status_port (default: 47199)")
    parser.add_argument("--nusers", type=int, default=5, help="user shifts to show, -1 for all (default: 5)")
    parser.add_argument("--interval", type=float, default=10, help="seconds between two queries (default: 10)")
    parser.add_argument("--once", action="store_true", help="show it once; exit code 1 if Grimsel can't be asked")
    options = parser.parse_args()

    client = DQueryStatusClient.DQueryStatusClient(options.host, options.port)
    while True:
        try:
            text = table(client.queryStatus(options.nusers))
        except DClientSocket.DSocketNoConnect as error:
            if options.once:
                sys.exit(str(error))
            text = str(error)
        if sys.stdout.isatty() and not options.once:
            print("\x1b[H\x1b[2J", end="")
        print(text)
        sys.stdout.flush()
        if options.once:
            return
        time.sleep(options.interval)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
