/** Shells that can be taught to complete. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** A shell that words can be completed in. */
export type Shell = (typeof SHELLS)[number];

/**
 * What a shell has to read to complete `programs`. What a word can become it asks `asker` each time, by
 * `ASKER SHELL -- WORDS`, which has to print what `formatAnswer` gives.
 *
 * @param asker words of a command
 */
export function completionScript(shell: Shell, { programs, asker }: { readonly programs: readonly string[]; readonly asker: string }): string {
  const [name = ''] = programs;
  return SCRIPTS[shell](programs, `${asker} ${shell}`, `_${name.replaceAll('-', '_')}_words`);
}

type Script = (programs: readonly string[], asker: string, fn: string) => string;

const bash: Script = (programs, asker, fn) => `# Completion of ${programs.join(' and ')} for bash 4.4 or newer: source it, or put it where bash-completion looks.
${fn}() {
  local answer
  mapfile -t answer < <(command ${asker} -- "$COMP_WORDBREAKS" "\${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
  [[ \${answer[0]} == open ]] && compopt -o nospace
  COMPREPLY=("\${answer[@]:1}")
}
complete -F ${fn} ${programs.join(' ')}
`;

const zsh: Script = (programs, asker, fn) => `#compdef ${programs.join(' ')}
# Completion of ${programs.join(' and ')} for zsh: put it into a folder of $fpath as _${programs[0] ?? ''}, or source it after compinit.
${fn}() {
  local kind word text
  local -a open_words open_texts words_ texts
  while IFS=$'\\t' read -r kind word text; do
    if [[ $kind == open ]]; then
      open_words+=("$word")
      open_texts+=("$word\${text:+  -- $text}")
    else
      words_+=("$word")
      texts+=("$word\${text:+  -- $text}")
    fi
  done < <(command ${asker} -- "\${(@Q)words[1,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)
  (( $#open_words )) && compadd -l -S '' -d open_texts -a open_words
  (( $#words_ )) && compadd -l -d texts -a words_
  return 0
}
if [[ $funcstack[1] == _* ]]; then
  ${fn} "$@"
else
  compdef ${fn} ${programs.join(' ')}
fi
`;

const fish: Script = (programs, asker, fn) => `# Completion of ${programs.join(' and ')} for fish: put it into ~/.config/fish/completions, as ${programs.map((name) => `${name}.fish`).join(' and ')}.
function ${fn}
  set -l typed (commandline -opc) (commandline -ct)
  command ${asker} -- $typed 2>/dev/null
end
${programs.map((name) => `complete -c ${name} -f -a '(${fn})'`).join('\n')}
`;

const SCRIPTS: Readonly<Record<Shell, Script>> = { bash, zsh, fish };
