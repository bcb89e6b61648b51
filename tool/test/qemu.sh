# qemu.sh - machines that QEMU runs: what it is told, and what the command makes of what it says.
#
# SPDX-License-Identifier: ISC

cp -r "$house/apps/hello" "$house/apps/disk" .
rm -rf hello/build disk/build
shop
machine=(run -t vm --on qemu)

check_error "--on qemu without QEMU" 1 'there is no qemu-system-x86_64; mend it: apt-get install qemu-system-x86' \
    env PATH=/nowhere "$loom" "${machine[@]}" hello
check_error "--on qemu --core" 2 '--core: the tender leaves cores' "$loom" "${machine[@]}" --core hello

# A QEMU that only tells how it was started; the status is the machine's own where that has said it.
mkdir -p path
cat > path/qemu-system-x86_64 << 'END'
#!/bin/bash
printf '%s\n' "$@"
for word; do
    case $word in
    file,id=status,*) [ -z "$STATUS" ] || printf "$STATUS" > "${word##*path=}" ;;
    esac
done
read -r -t 5 typed && echo "typed: $typed"
exit 3
END
chmod +x path/qemu-system-x86_64
double=(env "PATH=$PWD/path:$PATH" "$loom" "${machine[@]}" --accel tcg)

check_error "the status where the machine tells none" 3 $'-machine\nmicrovm\n-accel\ntcg\n-cpu\nmax\n-m\n262144K' "${double[@]}" hello
check_error "the status of a machine" 134 $'-kernel\n'"$PWD/hello/build/vm/hello"$'\n-append\n--one=1 "--two=of three"' \
    env STATUS='\x86' "${double[@]}" hello -- --one=1 '--two=of three'
check_error "boot parameters that are empty or blank" 3 $'-append\n--one "" "\tb" c' "${double[@]}" hello -- --one '' $'\tb' c
check_error "a quote in a boot parameter" 2 'cannot be told a double quote' "${double[@]}" hello -- '--one="'
check_error "memory" 3 $'-m\n3072K' "${double[@]}" --mem 3MiB hello
check_error "memory of no size" 2 '--mem much: write a size' "${double[@]}" --mem much hello
check_error "what is typed reaches the machine" 3 'typed: a word' bash -c 'echo a word | "$@"' - "${double[@]}" hello
check_error "q35" 3 $'-device\nvirtio-serial-pci,disable-legacy=on\n' "${double[@]}" --machine q35 hello
check_error "nothing optional" 3 'virtio-rng-device,event_idx=off,indirect_desc=off,rng=entropy' "${double[@]}" --features none hello
check_error "disks" 3 "node-name=drive0,read-only=on,cache.direct=off,discard=unmap,file.driver=file,file.filename=one" \
    "${double[@]}" --block one,read-only disk
check_says "disks: the device" $'-device\nvirtio-blk-device,drive=drive0'
check_error "a machine without its disk" 2 'the image has a disk: add --block FILE' "${double[@]}" disk
check_error "a tap that there is not" 1 'there is no such tap; as root: ip tuntap add dev notap' \
    "${double[@]}" --net tap:notap shop
check_error "a descriptor" 3 'tap,id=net0,fd=0' "${double[@]}" --net fd:0 --capture frames.pcap shop
check_says "a card" 'virtio-net-device,netdev=net0,mac='
check_says "a capture" 'filter-dump,id=capture0,netdev=net0,file=frames.pcap'
check "an image for the tender alone" "$loom" build -t vm --boot=tender hello
check_error "--on qemu of it" 2 'add --boot=pvh' "${double[@]}" hello
check "an image for all" "$loom" build -t vm --boot=pvh hello

# One that no button moves.
cat > path/qemu-system-x86_64 << 'END'
#!/bin/bash
trap '' TERM
echo started
while :; do sleep 0.05; done
END
nohup "${double[@]}" hello > deaf.txt 2>&1 < /dev/null &
process=$!
started+=("$process")
for ((try = 0; try < 400; try++)); do
    grep -qs started deaf.txt && break
    sleep 0.05
done
kill -HUP "$process" # which nohup has ignored: nothing is asked by it
sleep 0.5
kill -TERM "$process"
sleep 0.5
check "a machine that does not heed its button: the first signal" kill -0 "$process"
kill -TERM "$process"
wait "$process"
check "a machine that does not heed its button: the second" test "$? $(grep ended deaf.txt)" = '143 loom: asked to end twice: ended'

if ! command -v qemu-system-x86_64 > /dev/null; then
    skip "machines under QEMU" "there is no qemu-system-x86_64 (apt-get install qemu-system-x86)"
    return 0
fi

check "hello under QEMU" "$loom" "${machine[@]}" --accel tcg hello
[ "$said" = 'Hello from Loom.' ] || not_ok "hello under QEMU: what it says" "$said"
check_error "a wrong boot parameter under QEMU" 2 '--nonsense' "$loom" "${machine[@]}" --accel tcg hello -- --nonsense=1
check_error "too little memory for it" 125 'loom: this machine cannot run: it has too little memory' \
    "$loom" "${machine[@]}" --accel tcg --mem 2MiB hello
cp -r "$house/target/vm/test/broken" . && rm -rf broken/build
check_error "a crash under QEMU: its status, and where" 134 '  #0  break_null+0x' "$loom" "${machine[@]}" --accel tcg broken -- --how=null

# Signals are its power button.
truncate -s 1M disk.img
for turn in 1 2; do
    "$loom" "${machine[@]}" --accel tcg --block disk.img disk > "disk.$turn" 2>&1 < /dev/null &
    process=$!
    started+=("$process")
    for ((try = 0; try < 200; try++)); do
        grep -qs "this is start $turn" "disk.$turn" && break
        sleep 0.05
    done
    kill -TERM "$process"
    wait "$process"
    status=$?
    check "SIGTERM asks a machine under QEMU to end, start $turn" test "$status" = 0
done
check "its disk remembers" grep -q '^start 1: .* ended after' disk.2

# Where there is no KVM nobody has to ask for QEMU.
without_kvm=(unshare --mount bash -c '
    mkdir -p dev && mount -t tmpfs none dev && for name in null zero random urandom; do
        touch dev/$name && mount --bind /dev/$name dev/$name || exit 77
    done && ln -s /proc/self/fd dev/fd && mount --bind dev /dev || exit 77
    exec "$@"' -)
if ! "${without_kvm[@]}" true 2> /dev/null; then
    skip "machines without KVM" "no file systems can be mounted here"
    return 0
fi
check "without KVM" "${without_kvm[@]}" "$loom" run -t vm hello
check_says "without KVM: who runs it is told" 'loom: there is no /dev/kvm, so QEMU runs the machine and emulates its processor'
check_says "without KVM: it runs" $'\nHello from Loom.'
check_error "without KVM: the tender" 1 'run -t vm: there is no /dev/kvm; mend it: ' "${without_kvm[@]}" "$loom" run -t vm --on tender hello
check_error "without KVM: --accel kvm" 1 'run --accel kvm: there is no /dev/kvm' "${without_kvm[@]}" "$loom" "${machine[@]}" --accel kvm hello
check_error "without KVM: gdb" 1 'there is no /dev/kvm; mend it: ' "${without_kvm[@]}" "$loom" debug -t vm hello
check_error "gdb under QEMU" 2 'the tender lets gdb into a machine' "$loom" debug -t vm --on qemu hello
check "without KVM: doctor" "${without_kvm[@]}" bash -c "'$loom' doctor; true"
check_says "without KVM: doctor tells of the tender" 'machines (-t vm): there is no /dev/kvm'
check_says "without KVM: doctor tells of QEMU" 'qemu-system-x86_64, which runs machines (-t vm), and emulates their processor'
