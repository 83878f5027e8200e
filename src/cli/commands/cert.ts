import { hostname } from 'node:os'
import type { Command } from 'commander'
import { readSettings } from '../../base/config.ts'
import { processConfig } from '../../base/config-env.ts'
import { systemClock as clock, systemRandom as random } from '../../base/system.ts'
import type { CertificateReport } from '../certificates/cluster-ca.ts'
import { printJson, printTable } from '../output.ts'
import { showCount } from './show.ts'

interface Options {
  json?: true
  hosts?: string
  all?: boolean
}

const HELP = `
DIR holds the cluster's CA (ca.crt, ca.key) and a directory for each host: ca.crt, gateway.crt, gateway.key,
storage-node.crt, storage-node.key. Bring that directory to its host, and keep DIR itself in a safe place: whoever has
ca.key is a gateway. Running processes take changed files within SEXTANT_TLS_RELOAD_SECONDS. docs/tls.md tells the rest.`

const HOSTS = 'as gateways reach them, with commas between them: name, or name+other-name+10.0.0.1'

export function addCertCommands(program: Command): void {
  const cert = program
    .command('cert')
    .description('make certificates for gateways and storage nodes')
    .addHelpText('after', HELP)
  cert
    .command('init')
    .description('make a CA for a cluster, and certificates for its hosts')
    .argument('<directory>', 'for the CA')
    .option('--hosts <hosts>', `${HOSTS}; this host if not given`)
    .option('--json', 'as one line of JSON')
    .action(async (directory: string, { json, hosts = hostname() }: Options) => {
      const { initCa, parseHost } = await import('../certificates/cluster-ca.ts')
      const named = hosts.split(',').map(parseHost)
      show(await initCa(directory, named, { settings: readSettings(processConfig()), clock, random }), json)
    })
  cert
    .command('renew')
    .description('renew the certificates that are in the last third of their lives')
    .argument('<directory>', 'of the CA')
    .option('--hosts <hosts>', `make certificates for these hosts too, new ones or known ones: ${HOSTS}`)
    .option('--all', 'renew all of them')
    .option('--json', 'as one line of JSON')
    .action(async (directory: string, { json, hosts, all = false }: Options) => {
      const { parseHost, renewCertificates } = await import('../certificates/cluster-ca.ts')
      const named = hosts === undefined ? [] : hosts.split(',').map(parseHost)
      const deps = { settings: readSettings(processConfig()), clock, random }
      show(await renewCertificates(directory, { hosts: named, all }, deps), json)
    })
}

function show(report: CertificateReport, json: true | undefined): void {
  const { ca, made, kept } = report
  if (json) {
    printJson(report)
    return
  }
  if (made.length > 0) {
    printTable([['certificate', 'expires', 'for'], ...made.map((one) => [one.cert, one.expires, one.names.join(' ')])])
  }
  process.stdout.write(
    `${showCount(made.length, 'certificate')} made, ${kept} good for longer; the CA expires ${ca.expires}\n`,
  )
}
