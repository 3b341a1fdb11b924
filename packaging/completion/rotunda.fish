# Completion of rotunda, rotunda-load and rotunda-record for fish: the programs themselves say which flags they have.
function __rotunda_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l help (eval $words[1] --help 2>/dev/null); or return
    set -l line
    if test (count $words) -gt 1
        set line (string match -r -- '^  (?:-[a-zA-Z], )?'$words[-1]' ([^ ]+)' $help)[2]
    end
    switch "$line"
        case FILE PATH
            __fish_complete_path $current
        case DIR
            __fish_complete_directories $current
        case LEVEL
            printf '%s\n' error warn info debug
        case FORMAT
            printf '%s\n' text json
        case '*|*'
            string split '|' -- $line
        case ''
            string match -r -g -- '^  (?:-[a-zA-Z], )?(--[a-z0-9-]+)' $help
            if test (count $words) = 1; and string match -qr '(^|/)rotunda$' -- $words[1]
                printf '%s\n' admin doctor password token
            else if test (count $words) = 1; and string match -qr '(^|/)rotunda-record$' -- $words[1]
                printf '%s\n' compose
            end
    end
end
complete -c rotunda -f -a '(__rotunda_complete)'
complete -c rotunda-load -f -a '(__rotunda_complete)'
complete -c rotunda-record -f -a '(__rotunda_complete)'
