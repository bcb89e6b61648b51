# sim.mk - the images that the simulator's own tests load, and many worlds.
#
#   make sim                 every world of the tests under 1,000 seeds (SEEDS=n, WORLDS=name)
#   make sim-flood           the attacks of half a minute each, under 100 seeds (FLOOD_SEEDS=n)
#
# An image of a test is target/sim/image/NAME.c, with its wiring in it, and everything it needs of the library: one
# shared object a variant, beside the test programs.

SEEDS       ?= 1000
FLOOD_SEEDS ?= 100
WORLDS      ?=

SIM_IMAGES       := $(patsubst target/sim/image/%.c,%,$(wildcard target/sim/image/*.c))
SIM_NODE_SOURCES := $(wildcard target/sim/node/*.c)
SIM_PROGRAMS     := $(patsubst %.c,%,$(wildcard target/sim/*_sim_test.c))

# The symbols that the sanitizers want are those of the program that loads it.
define sim_rules
$(BUILD)/test/$(1)/target/sim/%.so: $(BUILD)/test/$(1)/target/sim/image/%.o \
                                    $(call objects,$(1),$(SIM_NODE_SOURCES)) $(BUILD)/test/$(1)/libloom.a
	$$(call say,$$@)
	$(Q)$$(CC_$(1)) $$(CFLAGS_$(1)) -shared -Wl,--version-script=target/sim/node/node.map -Wl,-z,now,-z,relro \
	    $$(filter %.o,$$^) $$(filter %.a,$$^) -o $$@.$$$$$$$$ && mv $$@.$$$$$$$$ $$@

$(addprefix $(BUILD)/test/$(1)/,$(SIM_PROGRAMS)): $(SIM_IMAGES:%=$(BUILD)/test/$(1)/target/sim/%.so)
endef
$(foreach variant,$(VARIANTS),$(eval $(call sim_rules,$(variant))))

# In a release, as many as one asks for.
SIM_RUN := $(addprefix $(BUILD)/test/release/,$(SIM_PROGRAMS))

.PHONY: sim
sim: $(SIM_RUN)
	@mkdir -p $(BUILD)/sim
	@SIM_SEEDS=$(SEEDS) SIM_CAPTURES=$(BUILD)/sim test/run-each $(SIM_RUN:%="% $(WORLDS)")

# The floods of half a minute, of which `make check` has a second.
.PHONY: sim-flood
sim-flood: $(BUILD)/test/release/target/sim/flood_sim_test
	@mkdir -p $(BUILD)/sim
	@SIM_FLOOD_SECONDS=30 SIM_SEEDS=$(FLOOD_SEEDS) SIM_CAPTURES=$(BUILD)/sim $< $(WORLDS)
