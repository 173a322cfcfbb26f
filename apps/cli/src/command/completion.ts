/** `markco completion bash|zsh|fish`: a script that completes commands, options and files in that shell. */
import { Argument, type Command } from 'commander';
import { json } from '../render.ts';
import { verb, type AddVerb, type JsonOption } from '../verb.ts';

type Word = {
  readonly name: string;
  /** What its first word may be, where that is one of a few. */
  readonly choices: readonly string[];
  readonly summary: string;
  readonly options: readonly string[];
};

export const addCompletion: AddVerb = (program, cli, done) => {
  verb(program, 'completion', 'Print the completion script of a shell', [
    'markco completion bash > ~/.local/share/bash-completion/completions/markco',
    'markco completion zsh > ~/.zfunc/_markco',
    'markco completion fish > ~/.config/fish/completions/markco.fish',
  ])
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .action((shell: keyof typeof SCRIPTS, options: JsonOption) => {
      const script = SCRIPTS[shell](wordsOf(program));
      cli.out.write(options.json ? json({ shell, script }) : script);
      done(0);
    });
};

function wordsOf(program: Command): readonly Word[] {
  return program.commands.map((command) => ({
    name: command.name(),
    choices: command.registeredArguments[0]?.argChoices ?? [],
    summary: command.summary(),
    options: [...command.options.flatMap((option) => (option.long === undefined ? [] : [option.long])), '--help'],
  }));
}

const SCRIPTS = { bash, zsh, fish } as const;

function bash(words: readonly Word[]): string {
  const cases = words
    .map(({ name, options, choices }) => `    ${name}) words="${options.join(' ')}" first="${choices.join(' ')}" ;;`)
    .join('\n');
  return `# bash completion for markco
_markco() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words="" first=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${words.map((word) => word.name).join(' ')} --help --version" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases}
  esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
    *) [ "$COMP_CWORD" -eq 2 ] && [ -n "$first" ] && COMPREPLY=($(compgen -W "$first" -- "$current")) ;;
  esac
}
complete -o default -F _markco markco
`;
}

function zsh(words: readonly Word[]): string {
  const commands = words.map(({ name, summary }) => `    '${name}:${summary.replaceAll("'", "'\\''")}'`).join('\n');
  const cases = words.map(({ name, options }) => `    ${name}) compadd -- ${options.join(' ')} ;;`).join('\n');
  const firsts = words
    .flatMap(({ name, choices }) =>
      choices.length === 0 ? [] : `      ${name}) compadd -- ${choices.join(' ')}; return ;;`,
    )
    .join('\n');
  return `#compdef markco
_markco() {
  local -a commands=(
${commands}
  )
  if (( CURRENT == 2 )); then
    _describe 'command' commands
    return
  fi
  if [[ "$words[CURRENT]" != -* ]]; then
    (( CURRENT == 3 )) && case "$words[2]" in
${firsts}
    esac
    _files
    return
  fi
  case "$words[2]" in
${cases}
  esac
}
if [[ "$funcstack[1]" == _markco ]]; then _markco "$@"; else compdef _markco markco; fi
`;
}

function fish(words: readonly Word[]): string {
  const lines = words.flatMap(({ name, summary, options, choices }) => [
    `complete -c markco -n __fish_use_subcommand -f -a ${name} -d '${summary.replaceAll("'", "\\'")}'`,
    ...choices.map((choice) => `complete -c markco -n '__fish_seen_subcommand_from ${name}' -f -a ${choice}`),
    ...options.map((option) => `complete -c markco -n '__fish_seen_subcommand_from ${name}' -l ${option.slice(2)}`),
  ]);
  return `# fish completion for markco\n${lines.join('\n')}\n`;
}
