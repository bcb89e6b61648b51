#compdef loom
# loom.zsh - completion of the loom command for zsh.
#
# SPDX-License-Identifier: ISC

local -a commands keys target attached application
commands=(
    'new:make a new unikernel' 'configure:weave it' 'build:build its image' 'run:build it and run it'
    'test:run its tests' 'describe:say or draw what it is made of' 'size:say which module costs what'
    'debug:run it under gdb' 'doctor:say what this machine can run' 'targets:list what an image can run on'
    'clean:remove what was built' 'help:tell about a command'
)
keys=(
    '--build=[how it is compiled]:how:(release debug)' '--harden=[checks in a release]:checks:(on off)'
    '--optimize=[what a release is best at]:best:(speed size)' '--boot=[who can start a machine]:boot:(pvh tender)'
    '--stack=[what speaks TCP and UDP]:stack:(socket direct)' '--pages=[where pages are]:where:(image host)'
)
target=('(-t --target)'{-t,--target=}'[what the image runs on]:target:(${(f)"$(loom targets 2>/dev/null | cut -d" " -f1)"})')
attached=(
    '*--publish=[reach a port of the image]:HOST\:GUEST:' '*--net=[what the network is]:net:(passt tap\: fd\:)'
    '*--block=[what a disk is]:file:_files' '*--capture=[write down the frames of a net]:file:_files'
    '--on=[with -t vm\: what runs the machine]:monitor:(tender qemu)'
    '--mem=[with -t vm\: its memory]:size:'
)
application=('*:application:_files -/')

if (( CURRENT == 2 )); then
    _describe -t commands command commands
    return
fi
local command=$words[2]
shift words
(( CURRENT-- ))
case $command in
    help) _describe -t commands command commands ;;
    new) _arguments '--help' '1:name:_files -/' ;;
    doctor|targets) _arguments '--help' ;;
    clean) _arguments '--help' $target $application ;;
    run) _arguments '--help' $attached '--watch[start again on a change]' \
             '--seed=[with -t sim\: the seed]:seed:' '--for=[with -t sim\: virtual time]:duration:' \
             '--nodes=[with -t sim\: so many of them]:count:' '--get=[with -t sim\: fetch it from them]:URL:' \
             '--machine=[with --on qemu\: its kind]:kind:(microvm q35 pc)' \
             '--accel=[with --on qemu\: what the processor is]:accelerator:(kvm tcg)' \
             '--features=[with --on qemu\: what devices offer]:features:(all none)' \
             '--core=-[with -t vm\: when it crashes, leave a core for gdb]:file:_files' \
             $target $keys $application ;;
    debug) _arguments '--help' $attached $target $keys $application ;;
    describe) _arguments '--help' '--dot[for graphviz]' '--svg[as a drawing]' $target $keys $application ;;
    size) _arguments '--help' '--json[for programs]' $target $keys $application ;;
    *) _arguments '--help' $target $keys $application ;;
esac
