# What a session's shell runs first, and the functions by which it speaks to its keeper.
# Names that begin with __markco are the session's own and are left out of what is shown of it.

exec 2>&4 4>&-
PS1= PS2=
set +H +o history
unset HISTFILE MAILCHECK TMOUT
__markco_status=0
__markco_ended=
__markco_trap=

# While nothing runs an interrupt does nothing: it would tear the line that is being read.
__markco_begin() {
  __markco_run=$1
  trap - INT
  [[ -z $__markco_trap ]] || builtin eval "$__markco_trap"
  builtin printf 'begin %s\0' "$1" >"$__markco_says"
  return "$__markco_status"
}

# Until SIGINT is ignored again one may tear this too, or the line that calls it: then it is called once more.
__markco_end() {
  [[ $__markco_ended != "$1" ]] || return 0
  __markco_status=$2
  __markco_trap=$(trap -p INT)
  trap '' INT
  __markco_ended=$1
  builtin printf 'end %s %s\0' "$1" "$2" >"$__markco_says"
}

# Bash itself shows a prompt (-p) only at a terminal and tells nobody of -s: a session whose code has either reads
# through this, which tells the keeper first.
__markco_ask_first() {
  read() {
    [[ /dev/stdin -ef $__markco_in ]] && __markco_ask "$@"
    builtin read "$@"
  }
}

__markco_ask() {
  local OPTIND=1 OPTARG option hidden=0 prompt=
  while builtin getopts ':ersa:d:i:n:N:p:t:u:' option; do
    case $option in
      s) hidden=1 ;;
      p) prompt=$OPTARG ;;
      u) [[ $OPTARG == 0 ]] || return 0 ;;
    esac
  done
  builtin printf 'ask %s %s %s\0' "$__markco_run" "$hidden" "$prompt" >"$__markco_says"
}

# Answers a question into a pipe and says so. Runs in a subshell: whatever it does, the session stays as it was.
__markco_answer() {
  {
    case $2 in
      command)
        builtin compgen -P 'k ' -k -- "$3"
        builtin compgen -P 'f ' -A function -- "$3"
        builtin compgen -P 'a ' -a -- "$3"
        builtin compgen -P 'b ' -b -- "$3"
        builtin compgen -P 'c ' -c -- "$3"
        ;;
      file)
        builtin compgen -P 'd ' -d -- "$3"
        builtin compgen -P 'p ' -f -- "$3"
        ;;
      variable) builtin compgen -P 'v ' -v -- "$3" ;;
      names) builtin compgen -v ;;
      values)
        for __markco_name in "${@:3}"; do
          builtin declare -p "$__markco_name"
          builtin printf '\0'
        done
        ;;
      word)
        builtin type -t -- "$3"
        builtin printf '\0'
        case $(builtin type -t -- "$3") in
          function) builtin declare -f -- "$3" ;;
          builtin | keyword) builtin help -m -- "$3" ;;
          *) builtin type -- "$3" ;;
        esac
        ;;
    esac
  } >"$__markco_answers"
  builtin printf 'told %s\0' "$1" >"$__markco_says"
}
