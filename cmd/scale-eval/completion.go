package main

import (
	"fmt"

	"github.com/urfave/cli/v2"
)

// completions are the scripts a shell sources. They ask the command itself, so
// they never go stale.
var completions = map[string]string{
	"bash": `_scale_eval() {
  local cur="${COMP_WORDS[COMP_CWORD]}" words ask
  if [[ "$cur" == -* ]]; then
    ask="$cur"
    [[ "$cur" == "--" ]] && ask="-" # "--" would end the options
    words=$("${COMP_WORDS[@]:0:$COMP_CWORD}" "$ask" --generate-bash-completion 2>/dev/null)
  else
    words=$("${COMP_WORDS[@]:0:$COMP_CWORD}" --generate-bash-completion 2>/dev/null)
  fi
  COMPREPLY=($(compgen -W "${words}" -- "$cur"))
}
complete -o bashdefault -o default -F _scale_eval scale-eval
`,
	"zsh": `#compdef scale-eval
_scale_eval() {
  local -a opts
  if [[ "${words[-1]}" == -* ]]; then
    opts=("${(@f)$(${words[@]:0:#words[@]-1} ${words[-1]} --generate-bash-completion 2>/dev/null)}")
  else
    opts=("${(@f)$(${words[@]:0:#words[@]-1} --generate-bash-completion 2>/dev/null)}")
  fi
  if [[ -n "${opts[1]}" ]]; then _describe 'values' opts; else _files; fi
}
compdef _scale_eval scale-eval
`,
	"fish": `complete -c scale-eval -f -a '(set -l w (commandline -opc); $w --generate-bash-completion 2>/dev/null)'
complete -c scale-eval -l dataset -l data -l out -r -F
`,
}

func completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print a shell completion script",
		ArgsUsage: "bash|zsh|fish",
		Description: `bash:  source <(scale-eval completion bash)
zsh:   source <(scale-eval completion zsh)
fish:  scale-eval completion fish | source`,
		OnUsageError: onUsageError,
		BashComplete: func(c *cli.Context) { fmt.Fprintln(c.App.Writer, "bash\nzsh\nfish") },
		Action: func(c *cli.Context) error {
			script, ok := completions[c.Args().First()]
			if !ok || c.NArg() != 1 {
				return usagef("completion wants one of bash, zsh, fish; got %q", c.Args().Slice())
			}
			_, err := fmt.Fprint(c.App.Writer, script)
			return err
		},
	}
}
