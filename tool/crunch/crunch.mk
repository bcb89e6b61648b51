# crunch.mk - builds build/loom-crunch, with which images get their pages.
#
# Included by the root Makefile, from the root. Debian packages: libbearssl-dev libbrotli-dev zlib1g-dev.
#
# SPDX-License-Identifier: ISC
CRUNCH_CC      ?= $(CC)
CRUNCH_FLAGS   := -std=gnu17 -O2 -g -D_GNU_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE -I. -Ilib -Itool \
                  $(WARNINGS)
CRUNCH_SOURCES := $(wildcard tool/crunch/*.c) lib/kv/kv.c lib/kv/digest.c lib/kv/media_type.c lib/base/view.c \
                  lib/base/panic.c lib/base/format.c
CRUNCH_OBJECTS := $(CRUNCH_SOURCES:%.c=build/crunch/%.o)

# Moved into place, so that two builds at once do not see halves, and nobody misses it meanwhile.
build/loom-crunch: $(CRUNCH_OBJECTS)
	@$(CRUNCH_CC) -pie -Wl,-z,relro,-z,now -o $@.$$$$ $^ -lbearssl -lz -lbrotlienc -lbrotlicommon -lpthread && \
	    mv $@.$$$$ $@

$(CRUNCH_OBJECTS): build/crunch/%.o: %.c
	@mkdir -p $(@D)
	@$(CRUNCH_CC) $(CRUNCH_FLAGS) -MMD -MP -MT $@ -MF $(@:.o=.d) -c $< -o $@.$$$$ && mv $@.$$$$ $@ || \
	    { tool/packages --hint run; exit 1; }

-include $(CRUNCH_OBJECTS:.o=.d)

# Its tests run it.
$(foreach variant,$(VARIANTS),$(BUILD)/test/$(variant)/lib/kv/kv_crunch_test): | build/loom-crunch
