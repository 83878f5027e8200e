import { Argument, type Command } from 'commander'

const HELP = `
In ~/.bashrc: \`source <(sextant completion bash)\`. In ~/.zshrc, behind compinit: \`source <(sextant completion zsh)\`. For fish:
\`sextant completion fish > ~/.config/fish/completions/sextant.fish\`. What it prints knows the commands and options of this
version: make it anew after an upgrade.`

type Shell = 'bash' | 'zsh' | 'fish'

export function addCompletionCommand(program: Command): void {
  program
    .command('completion')
    .description('print a script by which a shell completes commands and options')
    .addArgument(new Argument('<shell>', 'whose').choices(['bash', 'zsh', 'fish']))
    .addHelpText('after', HELP)
    .action(async (shell: Shell) => {
      const { placesOf } = await import('../completion/tree.ts')
      process.stdout.write((await WRITERS[shell]())(placesOf(program)))
    })
}

const WRITERS = {
  bash: async () => (await import('../completion/bash.ts')).bashScript,
  zsh: async () => (await import('../completion/zsh.ts')).zshScript,
  fish: async () => (await import('../completion/fish.ts')).fishScript,
}
