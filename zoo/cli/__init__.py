"""The command `zoo`: each verb parses, calls and prints; the work is done elsewhere."""

from zoo.cli.app import main

__all__ = ["main"]
