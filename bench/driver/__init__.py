"""__init__.py - the benchmark's driver: small modules with one idea each.

SPDX-License-Identifier: ISC
"""
