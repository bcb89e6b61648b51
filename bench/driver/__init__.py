"""The benchmark's driver: small modules with one idea each.

SPDX-License-Identifier: ISC
"""
