#compdef TOOL
# zsh completion of TOOL: a file _TOOL in a folder of $fpath, or `source <(TOOL --generate zsh)` behind compinit
_FUNCTION() {
    local dashes=${words[(ie)--]} line
    if (( dashes < CURRENT )); then
        # behind -- stands another command, which has its own completion
        words=("${(@)words[dashes + 1, -1]}")
        (( CURRENT -= dashes ))
        _normal
        return
    fi
    local -a answer candidates
    answer=("${(@f)$("${(Q)words[1]}" --complete "${(@Q)words[2, CURRENT - 1]}" "$PREFIX" 2>/dev/null)}")
    for line in "${(@)answer[2, -1]}"; do
        candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    done
    (( $#candidates )) && _describe TOOL candidates
    case $answer[1] in
    files) compset -P '*='; _files ;;
    folders) compset -P '*='; _files -/ ;;
    esac
}
if [[ $funcstack[1] == _TOOL ]]; then
    _FUNCTION "$@"
else
    compdef _FUNCTION TOOL
fi
