# bash completion of TOOL: `source <(TOOL --generate bash)`, or a file in ~/.local/share/bash-completion/completions
_FUNCTION() {
    local index kind word line=${COMP_LINE:0:COMP_POINT}
    COMPREPLY=()
    for ((index = 1; index < COMP_CWORD; index++)); do
        if [[ ${COMP_WORDS[index]} == -- ]]; then
            # behind -- stands another command, which has its own completion
            if declare -F _command_offset >/dev/null; then
                _command_offset $((index + 1))
            elif ((index + 1 == COMP_CWORD)); then
                mapfile -t COMPREPLY < <(compgen -c -f -- "${COMP_WORDS[COMP_CWORD]}")
            else
                mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
            fi
            compopt -o filenames 2>/dev/null
            return
        fi
    done
    # bash takes words apart at = and :, the tool does not
    local -a words
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    local current=${words[${#words[@]} - 1]}
    local there=${current%"${current##*[=:]}"}
    while IFS=$'\t' read -r word _; do
        if [[ -z $kind ]]; then kind=$word; else COMPREPLY+=("${word#"$there"}"); fi
    done < <("$1" --complete "${words[@]:1}" 2>/dev/null)
    case $kind in
    files) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "${current#"$there"}") ;;
    folders) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "${current#"$there"}") ;;
    *) return ;;
    esac
    compopt -o filenames 2>/dev/null
}
complete -F _FUNCTION TOOL
