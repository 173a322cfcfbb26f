# `display FILE…` and `COMMAND | display` show files and what comes in under the cell.
# The keeper takes what is copied into the session's folder and says when it is shown: what is printed next comes next.
# Copied here rather than read there: a file that never ends or never begins holds up the cell, which can be stopped.

__markco_path=$PATH
# What was there before anybody could want it (ImageMagick has one) gives way; a program that came later does not.
__markco_program=$(builtin type -P display)

# A subshell: no option, trap or name of the cell's is in its way, and nothing of it stays.
display() (
  { builtin set +efuvxCET; } 2>/dev/null
  # Without a subshell: one that ends as it likes would swallow an interrupt.
  { builtin unset -f display && builtin hash display; } 2>/dev/null
  __markco_found=${BASH_CMDS[display]-}
  [[ -z $__markco_found || $__markco_found == "$__markco_program" ]] || builtin exec "$__markco_found" "$@"
  PATH=$__markco_path
  OPTIND=1
  __markco_type= __markco_failed=0
  while builtin getopts ':t:' __markco_option; do
    case $__markco_option in
      t) __markco_type=${OPTARG%%[; ]*} ;;
      *) __markco_fail '' "-$OPTARG is no option with its value. Write \`display FILE…\` or \`COMMAND | display -t csv\`." ;;
    esac
  done
  builtin shift "$((OPTIND - 1))"
  if (($# == 0)); then
    [[ -t 0 || /dev/stdin -ef $__markco_in ]] &&
      __markco_fail '' 'There is nothing to show. Name a file (`display plot.png`) or pipe something into it.'
    __markco_show ''
    builtin exit
  fi
  for __markco_file; do
    if [[ ! -e $__markco_file ]]; then
      (__markco_fail "$__markco_file" "There is no such file in $(builtin pwd). Check its name, and the folder.")
    elif [[ -d $__markco_file ]]; then
      (__markco_fail "$__markco_file" 'This is a folder. Name the files in it.')
    elif [[ ! -r $__markco_file ]]; then
      (__markco_fail "$__markco_file" 'You may not read this file. Check its permissions (`ls -l`).')
    else
      __markco_show "$__markco_file" <"$__markco_file"
    fi || __markco_failed=1
  done
  builtin exit "$__markco_failed"
)

__markco_fail() {
  builtin printf 'display: %s%s\n' "${1:+$1: }" "$2" >&2
  builtin exit 1
}

# Shows what comes in; $1 is the file's name, or empty.
__markco_show() {
  __markco_copy=$__markco_shown$BASHPID
  builtin trap '[[ ! -e $__markco_copy ]] || command rm -f "$__markco_copy" "$__markco_copy.told"' EXIT
  command head -c "$__markco_shown_bytes" >"$__markco_copy" && command mkfifo -m 600 "$__markco_copy.told" || return 1
  {
    # One short write, whole among those of others: a pipe takes 512 bytes at once everywhere.
    builtin printf 'display %s %s %s %s\0' \
      "$__markco_run" "$BASHPID" "${__markco_type:0:40}" "${1##*/}" >"$__markco_says"
    IFS= builtin read -r -d '' -t 60 -u 9 __markco_told || __markco_told='MarkCo does not answer. Run the cell again.'
  } 9<>"$__markco_copy.told"
  [[ -z $__markco_told ]] || (__markco_fail "$1" "$__markco_told")
}
