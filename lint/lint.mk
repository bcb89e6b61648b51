# lint.mk - what a compiler does not say: clang-tidy, cppcheck, shellcheck, and the tree's own form.

C_FILES := $(sort $(wildcard lib/*/*.c target/*/*.c target/*/*/*.c tender/*.c tender/*/*.c embed/*.c embed/*/*.c tool/*.c tool/*/*.c apps/*/*.c fuzz/*.c bench/*/*.c test/system/*/*.c))
ALL_C   := $(C_FILES) $(sort $(wildcard lib/*/*.h target/*.h target/*/*.h target/*/*/*.h tender/*.h tender/*/*.h embed/*.h embed/*/*.h tool/*.h tool/*/*.h apps/*/*.h bench/*/*.h test/system/*/*.h))

.PHONY: lint lint-tidy lint-cppcheck lint-shell lint-format format
lint: packages-lint lint-format lint-shell lint-cppcheck lint-tidy
	@lint/form

packages-lint:
	@tool/packages lint

# One process a file, as many at once as there are processors.
lint-tidy:
	@printf '%s\n' $(filter-out %/config.c,$(C_FILES)) | xargs -P $(JOBS) -n 1 sh -c \
	    'clang-tidy --quiet --warnings-as-errors="*" "$$@" -- -std=gnu17 -D_GNU_SOURCE -I. -Ilib -Itool -Iembed 2>/dev/null' lint

lint-cppcheck:
	@cppcheck --quiet --error-exitcode=1 --inline-suppr --suppressions-list=lint/cppcheck.txt --std=c11 \
	    --enable=warning,performance,portability -I. -Ilib -Itool -Iembed -D__BYTE_ORDER__=1234 \
	    -D__ORDER_LITTLE_ENDIAN__=1234 -j $(JOBS) $(filter-out %/config.c,$(C_FILES))

lint-shell:
	@shellcheck -s sh $$(git grep -lE '^#!/bin/sh' -- . 2>/dev/null)

lint-format:
	@clang-format --dry-run --Werror $(ALL_C)

format:
	@clang-format -i $(ALL_C)

.PHONY: coverage
coverage:
	@tool/packages coverage
	@find $(BUILD)/test/coverage -name '*.gcda' -delete 2>/dev/null || true
	@$(MAKE) -s VARIANTS=coverage check-unit
	@mkdir -p $(BUILD)/coverage
	@gcovr --root . --object-directory $(BUILD)/test/coverage --exclude '.*_test\.c' --exclude '.*_suite\.c' \
	    --html-details $(BUILD)/coverage/index.html --txt $(BUILD)/coverage/summary.txt
	@tail -n 3 $(BUILD)/coverage/summary.txt
	@echo "$(BUILD)/coverage/index.html"
