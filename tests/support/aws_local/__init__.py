"""A local AWS that refuses what AWS refuses: moto's models made strict, with clocks, faults and a
record of calls. For tests, for the docs, and for `script/aws-local`."""

from aws_local.server import Server

__all__ = ["Server"]
