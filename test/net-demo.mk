# net-demo.mk - shows an image on our own stack.
#
#   make net-demo       the home page, fetched by curl: as root over a tap in a network namespace, else over passt
#
# SPDX-License-Identifier: ISC
.PHONY: net-demo
net-demo: packages-run tool build/loom-crunch
	@test/net-demo
