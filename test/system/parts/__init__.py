"""__init__.py - the parts: one file for each thing that strangers do.

SPDX-License-Identifier: ISC"""
