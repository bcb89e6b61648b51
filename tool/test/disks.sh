# disks.sh - images with disks: how they are wired, and what loom run makes them.
#
# SPDX-License-Identifier: ISC

cp -r "$house/apps/disk" .
rm -rf disk/build
mkdir -p two
cat > two/two.h << 'END'
#include "block/block.h"
enum result two_start(struct block *first, struct block *second) CHECKED;
END
cat > two/two.c << 'END'
#include "two.h"

enum result two_start(struct block *first, struct block *second)
{
    return first->block_count == second->block_count ? OK : FAILED;
}
END
cat > two/config.c << 'END'
#include <loom/config.h>
#include "two.h"

unikernel(two)
{
    start(two_start, named("old", default_block()), named("new", default_block()));
}
END
truncate -s 64K one.img && truncate -s 64K =other.img && truncate -s 128K long.img

check "describe: a disk" "$loom" describe disk
check_says "describe: on unix it is a file" 'block0: block by block_file (a disk in a file, as --block says)'
check "describe -t vm: a disk" "$loom" describe -t vm disk
check_says "describe -t vm: it is one of the machine" 'block0: block by block_virtio'
check "the disk is opened by its name in the manifest" grep -q 'block_virtio_open(&block0, VIEW("block0"))' disk/build/vm/main.c
check "the manifest tells whoever runs it" json disk/build/vm/manifest.json \
    '[(d["name"], d["prefix"]) for d in it["devices"] if d["module"] == "block_virtio"] == [("block0", "")]'
check "what loom run has to know of disks" diff - disk/build/vm/nets.txt << 'END'
block - block0
END

check "two disks by name" "$loom" run --block old=one.img --block new=./=other.img two
check_error "two disks that differ" 1 '' "$loom" run --block old=one.img,new=long.img two
check_error "a disk without its name" 2 'every disk of the image has a name: write --block NAME=one.img' \
    "$loom" run --block one.img two
check_error "a disk of another name" 2 'the image has no disk of the name other' "$loom" run --block other=one.img two
check_error "one disk twice" 2 'that disk is one.img already' "$loom" run --block old=one.img --block old=long.img two
check_error "a disk without a file" 2 'write the path of a file behind it' "$loom" run --block old= two
check_error "a disk that is not there" 1 '--block-create=64MiB makes a disk' "$loom" run --block none.img disk
check_error "a disk that nobody named" 1 'add --block=FILE, and --block-create=64MiB for a new one' "$loom" run disk
check_error "a machine's disk that nobody named" 2 'the image has a disk: add --block FILE' "$loom" run -t vm disk
check_error "a simulated disk" 2 "a simulated image's disk is in memory" "$loom" run -t sim --block one.img disk

# start FILE STATUS...: runs the image for a moment, and asks it to end or kills it.
start()
{
    local file=$1 signal=$2 image=disk/build/unix/disk process
    "$image" --block="$file" --beat=50ms > said.txt 2>&1 &
    process=$!
    for _ in $(seq 100); do
        grep -q 'this is start' said.txt && break
        sleep 0.05
    done
    kill "-$signal" "$process"
    wait "$process" 2>/dev/null
    said=$(cat said.txt)
}
start one.img TERM
check_says "a new disk remembers nothing" 'it remembers nothing'
start one.img KILL
check_says "it remembers a start that ended" 'UTC, ended after'
start one.img TERM
check_says "it remembers a start that was killed" 'UTC, cut off after at least'
check_says "no start is told twice" 'this is start 3'

sed 's/"new"/"a-very-long-name-for-it"/' two/config.c > config.c && mkdir -p long && cp two/two.[ch] long/ && mv config.c long/
check_error "a machine's disk whose name is too long" 1 "a machine's disk has a name of 16 bytes at most" \
    "$loom" configure -t vm long
