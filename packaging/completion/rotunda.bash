# Completion of rotunda, rotunda-load and rotunda-record for bash: the programs themselves say which flags they have.
_rotunda() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} program=${COMP_WORDS[0]} help value
    help=$("$program" --help 2>/dev/null) || return
    COMPREPLY=()
    case $current in
    -*)
        mapfile -t COMPREPLY < <(compgen -W "$(grep -oE '^  (-[a-zA-Z], )?--[a-z0-9-]+' <<<"$help" | grep -oE -- '--[a-z0-9-]+')" -- "$current")
        return
        ;;
    esac
    value=$(sed -n "s/^  \(-[a-zA-Z], \)\{0,1\}$previous \([^ ]*\).*/\2/p" <<<"$help" | head -n 1)
    case $value in
    DIR) mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    FILE | PATH) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    LEVEL) mapfile -t COMPREPLY < <(compgen -W 'error warn info debug' -- "$current") ;;
    FORMAT) mapfile -t COMPREPLY < <(compgen -W 'text json' -- "$current") ;;
    *\|*) mapfile -t COMPREPLY < <(compgen -W "${value//|/ }" -- "$current") ;;
    '')
        [ "$COMP_CWORD" = 1 ] || return
        case ${program##*/} in
        rotunda) mapfile -t COMPREPLY < <(compgen -W 'admin doctor password token' -- "$current") ;;
        rotunda-record) mapfile -t COMPREPLY < <(compgen -W compose -- "$current") ;;
        esac
        ;;
    esac
}
complete -o filenames -F _rotunda rotunda rotunda-load rotunda-record
