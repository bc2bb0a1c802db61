package io.opensandbox.execd.session;

import io.opensandbox.execd.process.Executables;
import java.util.List;
import java.util.Optional;

/// A shell and the words that make it restore its state, run a text and write its state down. The
/// state goes out on descriptor 221, comes in on 222, and the text comes in on 223: numbers that
/// scripts do not use, and that no redirection of theirs can hit by accident.
enum Shell {
  /// One line, because bash reads it whole before it runs: aliases of the user cannot change it,
  /// and the text's lines are counted from 1. `-e`, `-v` and `-x` are kept apart and put before the
  /// text, so that they affect nothing else.
  BASH(
      """
      { builtin source /dev/fd/222;\
       IFS= builtin read -r -d '' __execd_text </dev/fd/223;\
       builtin exec 222<&- 223<&-; } 2>/dev/null;\
       builtin eval "${__execd_prefix-}$__execd_text";\
       { __execd_status=$? __execd_flags=$-;\
       __execd_options=$(builtin set +o; builtin shopt -p);\
       builtin set +eufvx; builtin shopt -u nocasematch;\
       { builtin printf '%s\\0' "$PWD"; builtin printf 'builtin unset -v PATH\\n';\
       while IFS= builtin read -r __execd_line; do case $__execd_line in\
       BASH|BASHOPTS|BASHPID|BASH_*|COMP_WORDBREAKS|DIRSTACK|EPOCHREALTIME|EPOCHSECONDS|EUID\
      |FUNCNAME|GROUPS|HISTCMD|LINENO|PIPESTATUS|PPID|PWD|RANDOM|SECONDS|SHELLOPTS|SHLVL|SRANDOM\
      |UID|_|__execd_*) ;; *) builtin declare -p "$__execd_line" ;; esac;\
       done < <(builtin compgen -v);\
       builtin declare -f;\
       while IFS= builtin read -r __execd_line; do case $__execd_line in\
       'declare -f '*) ;; *) builtin printf '%s\\n' "$__execd_line" ;; esac;\
       done < <(builtin declare -F);\
       builtin alias -p; builtin umask -p;\
       while IFS= builtin read -r __execd_line; do case $__execd_line in\
       *' login_shell'|*' restricted_shell'|*' noexec'|*' onecmd'|*' monitor'\
      |*' errexit'|*' xtrace'|*' verbose') ;; *) builtin printf '%s\\n' "$__execd_line" ;; esac;\
       done <<<"$__execd_options";\
       __execd_prefix=;\
       case $__execd_flags in *e*) __execd_prefix='builtin set -e;' ;; esac;\
       case $__execd_flags in *v*) __execd_prefix+='builtin set -v;' ;; esac;\
       case $__execd_flags in *x*) __execd_prefix+='builtin set -x;' ;; esac;\
       builtin printf '__execd_prefix=%q\\n# complete\\n' "$__execd_prefix";\
       } >&221; } 2>/dev/null;\
       builtin exit "$__execd_status"\
      """),

  /// Plain POSIX, for dash and busybox. Descriptors above 9 are named by path there.
  SH(
      """
      . /dev/fd/222; . /dev/fd/223;\
       { __execd_status=$? __execd_flags=$-; set +eufvx;\
       { printf '%s\\0' "$PWD"; set; export -p;\
       alias | while IFS= read -r __execd_line; do case $__execd_line in\
       alias*) printf '%s\\n' "$__execd_line" ;; *) printf 'alias %s\\n' "$__execd_line" ;; esac;\
       done;\
       printf 'umask %s\\n' "$(umask)";\
       for __execd_line in f u e v x; do case $__execd_flags in\
       *"$__execd_line"*) printf 'set -%s\\n' "$__execd_line" ;; esac; done;\
       printf '# complete\\n';\
       } >/dev/fd/221; } 2>/dev/null;\
       exit "$__execd_status"\
      """);

  static final int STATE_DESCRIPTOR = 221;
  static final int RESTORE_DESCRIPTOR = 222;
  static final int TEXT_DESCRIPTOR = 223;

  private final String words;

  Shell(String words) {
    this.words = words;
  }

  /// The file to execute, when this shell is installed.
  Optional<String> find(String path) {
    return Executables.find(this == BASH ? "bash" : "sh", path);
  }

  /// The arguments after the file.
  List<String> arguments() {
    return switch (this) {
      case BASH -> List.of("--noprofile", "--norc", "-c", words, "bash");
      case SH -> List.of("-c", words, "sh");
    };
  }

  /// What the shell does after its state is back, to be in the folder where it was started: a plain
  /// `sh` has just been given the old value of `PWD`.
  String afterRestore() {
    return this == BASH ? "" : "cd -- \"$(pwd -P)\"\n";
  }
}
