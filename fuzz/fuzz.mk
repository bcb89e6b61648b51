# fuzz.mk - libFuzzer programs: one a parser, over virtual time, with the sanitizers.
#
#   make fuzz                   every target for FUZZ_SECONDS (60) each; new inputs go to build/fuzz/found/NAME
#   make fuzz FUZZ=cursor       one
#   make check-fuzz             every input of the corpora once, as part of `make check`

FUZZ_SECONDS ?= 60
FUZZ         ?= $(patsubst fuzz/fuzz_%.c,%,$(wildcard fuzz/fuzz_*.c))

CC_fuzz      := clang
CFLAGS_fuzz  := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -Wno-frame-larger-than
$(eval $(call variant_rules,fuzz))

$(foreach name,$(FUZZ),$(if $(wildcard fuzz/fuzz_$(name).c),,\
    $(error FUZZ=$(name): there is no fuzz/fuzz_$(name).c; there are $(patsubst fuzz/fuzz_%.c,%,$(wildcard fuzz/fuzz_*.c)))))

FUZZ_PROGRAMS := $(addprefix $(BUILD)/fuzz/fuzz_,$(FUZZ))

# The tender's parsers, too, though it is a program of the host.
$(BUILD)/test/fuzz/libtender.a: $(call objects,fuzz,$(filter-out %_test.c %/main.c,$(wildcard tender/*.c)))

$(BUILD)/fuzz/%: $(BUILD)/test/fuzz/fuzz/%.o $(BUILD)/test/fuzz/libtender.a $(BUILD)/test/fuzz/libloom.a \
                 $(BUILD)/test/fuzz/libsim.a
	@mkdir -p $(@D)
	$(call say,$@)
	$(Q)clang $(CFLAGS_fuzz) -fsanitize=fuzzer $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		-lbearssl -lpthread -o $@

# What the tender is made of stands in no archive of the simulator's.
$(BUILD)/fuzz/fuzz_tender_queue: $(addprefix $(BUILD)/test/fuzz/,$(addprefix tender/,queue.o parts.o net_rings.o net_header.o \
    device_block.o) target/unix/block_file_disk.o)

.PHONY: fuzz check-fuzz
fuzz: packages-check $(FUZZ_PROGRAMS)
	@fuzz/run fuzz $(FUZZ_SECONDS) $(FUZZ)

check-fuzz: $(FUZZ_PROGRAMS)
	@fuzz/run corpus 0 $(FUZZ)
