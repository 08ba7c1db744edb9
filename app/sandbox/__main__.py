"""`python -m app.sandbox KIND …` runs one sandbox server."""

from __future__ import annotations

import argparse
import sys

from app.sandbox.kiotviet import command as kiotviet
from app.sandbox.sitegiant import command as sitegiant


def main(arguments: list[str] | None = None) -> int:
    """Read the command line, run the sandbox it names until it is told to stop, and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m app.sandbox", description="Servers that play a sales channel.")
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    sitegiant.add_parser(kinds)
    kiotviet.add_parser(kinds)
    options = parser.parse_args(arguments)
    exit_code: int = options.run(options)
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
