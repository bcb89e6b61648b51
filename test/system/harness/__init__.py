"""__init__.py - what the tests of the whole are written with: images, wires, expectations and a report.

SPDX-License-Identifier: ISC"""
