# virtio.mk - the drivers against real devices: those of QEMU, which share no line with ours.
#
# Included by the root Makefile, from the root, and gives:
#   check-virtio    two minutes, part of `make check-long`
#
# SPDX-License-Identifier: ISC
.PHONY: check-virtio check-long
check-long: check-virtio
check-virtio: tool monitor
	@target/virtio/test/run
