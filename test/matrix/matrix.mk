# matrix.mk - every application on everything that it runs on; `make check` has one cell of it.
#
#   make check-matrix                    all cells: a quarter of a minute once all is built, which takes four
#   make check-matrix CELLS=homepage/vm  some
#
# SPDX-License-Identifier: ISC
CELLS ?=

.PHONY: check-matrix
check-matrix: packages-check
	@test/matrix/run $(CELLS)
