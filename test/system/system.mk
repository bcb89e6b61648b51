# system.mk - the tests of the whole against strangers; `make check` runs test/system/run by itself.
#
#   make check-system     the same alone
#   make check-long       with what takes longer: some six minutes

.PHONY: check-system check-long
check-system: packages-check
	@test/system/run

check-long: packages-check check-embed-long
	@test/system/run --long
