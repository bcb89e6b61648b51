# loom.fish - completion of the loom command for fish.
#
# SPDX-License-Identifier: ISC

function __loom_targets
    loom targets 2>/dev/null | string split -f 1 ' '
end

complete -c loom -f
complete -c loom -n __fish_use_subcommand -l version -d 'which Loom this is'
complete -c loom -n __fish_use_subcommand -a new -d 'make a new unikernel'
complete -c loom -n __fish_use_subcommand -a configure -d 'weave it'
complete -c loom -n __fish_use_subcommand -a build -d 'build its image'
complete -c loom -n __fish_use_subcommand -a run -d 'build it and run it'
complete -c loom -n __fish_use_subcommand -a test -d 'run its tests'
complete -c loom -n __fish_use_subcommand -a describe -d 'say or draw what it is made of'
complete -c loom -n __fish_use_subcommand -a size -d 'say which module costs what'
complete -c loom -n __fish_use_subcommand -a debug -d 'run it under gdb'
complete -c loom -n __fish_use_subcommand -a doctor -d 'say what this machine can run'
complete -c loom -n __fish_use_subcommand -a targets -d 'list what an image can run on'
complete -c loom -n __fish_use_subcommand -a clean -d 'remove what was built'
complete -c loom -n __fish_use_subcommand -a help -d 'tell about a command'

complete -c loom -l help -d 'tell about it'
set -l about configure build run test describe size debug
complete -c loom -n "__fish_seen_subcommand_from $about clean" -s t -l target -xa '(__loom_targets)' -d 'what the image runs on'
complete -c loom -n "__fish_seen_subcommand_from $about" -l build -xa 'release debug' -d 'how it is compiled'
complete -c loom -n "__fish_seen_subcommand_from $about" -l harden -xa 'on off' -d 'checks in a release'
complete -c loom -n "__fish_seen_subcommand_from $about" -l optimize -xa 'speed size' -d 'what a release is best at'
complete -c loom -n "__fish_seen_subcommand_from $about" -l boot -xa 'pvh tender' -d 'who can start a machine'
complete -c loom -n "__fish_seen_subcommand_from $about" -l stack -xa 'socket direct' -d 'what speaks TCP and UDP'
complete -c loom -n "__fish_seen_subcommand_from $about" -l pages -xa 'image host' -d 'where pages are'
complete -c loom -n "__fish_seen_subcommand_from $about clean" -xa '(__fish_complete_directories)'
complete -c loom -n '__fish_seen_subcommand_from run debug' -l publish -x -d 'reach a port of the image: HOST:GUEST'
complete -c loom -n '__fish_seen_subcommand_from run debug' -l block -r -d 'the file or device that is a disk'
complete -c loom -n '__fish_seen_subcommand_from run debug' -l net -xa 'passt tap: fd:' -d 'what the network is'
complete -c loom -n '__fish_seen_subcommand_from run' -l watch -d 'start again on a change'
complete -c loom -n '__fish_seen_subcommand_from run' -l seed -x -d 'with -t sim: the seed'
complete -c loom -n '__fish_seen_subcommand_from run' -l for -x -d 'with -t sim: virtual time'
complete -c loom -n '__fish_seen_subcommand_from run' -l nodes -x -d 'with -t sim: so many of them'
complete -c loom -n '__fish_seen_subcommand_from run' -l get -x -d 'with -t sim: fetch a URL from them'
complete -c loom -n '__fish_seen_subcommand_from run debug' -l on -xa 'tender qemu' -d 'with -t vm: what runs the machine'
complete -c loom -n '__fish_seen_subcommand_from run' -l machine -xa 'microvm q35 pc' -d 'with --on qemu: its kind'
complete -c loom -n '__fish_seen_subcommand_from run' -l accel -xa 'kvm tcg' -d 'with --on qemu: what the processor is'
complete -c loom -n '__fish_seen_subcommand_from run' -l features -xa 'all none' -d 'with --on qemu: what devices offer'
complete -c loom -n '__fish_seen_subcommand_from run debug' -l capture -r -d 'write down the frames of a net'
complete -c loom -n '__fish_seen_subcommand_from run debug' -l mem -x -d 'with -t vm: its memory'
complete -c loom -n '__fish_seen_subcommand_from run' -l core -d 'with -t vm: when it crashes, leave a core for gdb'
complete -c loom -n '__fish_seen_subcommand_from describe' -l dot -d 'for graphviz'
complete -c loom -n '__fish_seen_subcommand_from describe' -l svg -d 'as a drawing'
complete -c loom -n '__fish_seen_subcommand_from size' -l json -d 'for programs'
