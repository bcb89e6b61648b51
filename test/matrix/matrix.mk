# matrix.mk - every application on everything that it runs on; `make check` has two cells of it.
#
#   make check-matrix                    all cells: five minutes once all is built, which takes two
#   make check-matrix CELLS=homepage/vm  some
#
# SPDX-License-Identifier: ISC
CELLS ?=

.PHONY: check-matrix
check-matrix: packages-check
	@test/matrix/run $(CELLS)
