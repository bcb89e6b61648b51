# loom.bash - completion of the loom command for bash.
#
# SPDX-License-Identifier: ISC

# Folders that hold a config.c, and folders on the way to them.
_loom_applications()
{
    local folder
    for folder in $(compgen -d -- "$1"); do
        printf '%s\n' "$folder/"
    done
}

_loom()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}
    local commands='new configure build run test describe size debug doctor targets clean help'
    local keys='--build=release --build=debug --harden=on --harden=off --optimize=speed --optimize=size --boot=pvh --boot=tender --stack=socket --stack=direct --pages=image --pages=host'
    local options=''
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands --help --version" -- "$word")
        return
    fi
    case $before in
    -t|--target)
        mapfile -t COMPREPLY < <(compgen -W "$(loom targets 2>/dev/null | cut -d' ' -f1)" -- "$word")
        return ;;
    esac
    case $command in
    help) mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word"); return ;;
    new|doctor|targets) options='--help' ;;
    clean) options='-t --target= --help' ;;
    run) options="-t --target= --publish= --net= --block= --watch --seed= --for= --nodes= --get= --on= --machine= --accel= --features= --capture= --mem= --core --help $keys" ;;
    debug) options="-t --target= --publish= --net= --block= --capture= --on= --mem= --help $keys" ;;
    describe) options="-t --target= --dot --svg --help $keys" ;;
    size) options="-t --target= --json --help $keys" ;;
    *) options="-t --target= --help $keys" ;;
    esac
    case $word in
    -*) mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word") ;;
    *) mapfile -t COMPREPLY < <(_loom_applications "$word"); compopt -o nospace 2>/dev/null ;;
    esac
}

complete -F _loom loom
