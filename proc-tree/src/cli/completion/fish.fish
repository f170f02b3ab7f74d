# fish completion of TOOL: a file TOOL.fish in ~/.config/fish/completions, or `TOOL --generate fish | source`
function _FUNCTION
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    if set -l dashes (contains -i -- -- $words)
        # behind -- stands another command, which has its own completion
        set -e words[1..$dashes]
        complete -C (string join ' ' -- (string escape -- $words) "$current")
        return
    end
    set -l tool $words[1]
    set -e words[1]
    set -l answer (command $tool --complete $words "$current" 2>/dev/null)
    switch "$answer[1]"
        case files
            __fish_complete_path (string replace -r '^--[^=]*=' '' -- "$current")
        case folders
            __fish_complete_directories (string replace -r '^--[^=]*=' '' -- "$current") ''
    end
    set -e answer[1]
    printf '%s\n' $answer
end
complete -c TOOL -f -a '(_FUNCTION)'
