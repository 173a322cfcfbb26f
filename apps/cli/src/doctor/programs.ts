/** The programs that cells and projects use, looked for on this machine. */
import type { Cli } from '../cli.ts';
import type { Check } from './check.ts';

/** The package of each package manager; where a manager has none, the address to get it from. */
type Tool = {
  readonly name: string;
  readonly commands: readonly (readonly string[])[];
  readonly version: RegExp;
  /** What does not work without it. */
  readonly without: string;
  readonly packages: { readonly [M in Manager]?: string };
  readonly site: string;
};

const MANAGERS = {
  'apt-get': 'sudo apt-get install -y',
  dnf: 'sudo dnf install -y',
  pacman: 'sudo pacman -S',
  apk: 'sudo apk add',
  zypper: 'sudo zypper install',
  brew: 'brew install',
  winget: 'winget install',
} as const;
export type Manager = keyof typeof MANAGERS;

const TOOLS: readonly Tool[] = [
  {
    name: 'Python',
    commands: [
      ['python3', '--version'],
      ['python', '--version'],
    ],
    version: /Python (\S+)/,
    without: 'Python cells cannot run',
    packages: {
      'apt-get': 'python3',
      dnf: 'python3',
      pacman: 'python',
      apk: 'python3',
      zypper: 'python3',
      brew: 'python',
      winget: 'Python.Python.3.13',
    },
    site: 'https://www.python.org/downloads/',
  },
  {
    name: 'Bash',
    commands: [['bash', '--version']],
    // What macOS brings is 3.2, which cannot run cells.
    version: /version ((?:[4-9]|\d\d)\.[\d.]*)/,
    without: 'Bash cells need Bash 4 or newer and cannot run',
    packages: {
      'apt-get': 'bash',
      dnf: 'bash',
      pacman: 'bash',
      apk: 'bash',
      zypper: 'bash',
      brew: 'bash',
      winget: 'Git.Git',
    },
    site: 'https://www.gnu.org/software/bash/',
  },
  {
    name: 'Node.js',
    commands: [['node', '--version']],
    version: /v((?:2\d|[3-9]\d)\.\S+)/,
    without: 'JavaScript cells run on the Node.js that MarkCo itself runs on',
    packages: {
      'apt-get': 'nodejs',
      dnf: 'nodejs',
      pacman: 'nodejs',
      apk: 'nodejs',
      zypper: 'nodejs',
      brew: 'node',
      winget: 'OpenJS.NodeJS.LTS',
    },
    site: 'https://nodejs.org/',
  },
  {
    name: 'R',
    commands: [['R', '--version']],
    version: /R version (\S+)/,
    without: 'R cells cannot run',
    packages: {
      'apt-get': 'r-base',
      dnf: 'R',
      pacman: 'r',
      apk: 'R',
      zypper: 'R-base',
      brew: 'r',
      winget: 'RProject.R',
    },
    site: 'https://cran.r-project.org/',
  },
  {
    name: 'Julia',
    commands: [['julia', '--version']],
    version: /julia version (\S+)/,
    without: 'Julia cells cannot run',
    packages: { dnf: 'julia', pacman: 'julia', brew: 'julia', winget: 'julia -s msstore' },
    site: 'https://julialang.org/downloads/',
  },
  {
    name: 'uv',
    commands: [['uv', '--version']],
    version: /uv (\S+)/,
    without: 'Python packages are installed with pip',
    packages: { pacman: 'uv', brew: 'uv', winget: 'astral-sh.uv' },
    site: 'https://docs.astral.sh/uv/',
  },
  {
    name: 'git',
    commands: [['git', '--version']],
    version: /git version (\S+)/,
    without: 'folders have no version control beside MarkCo',
    packages: {
      'apt-get': 'git',
      dnf: 'git',
      pacman: 'git',
      apk: 'git',
      zypper: 'git',
      brew: 'git',
      winget: 'Git.Git',
    },
    site: 'https://git-scm.com/downloads',
  },
];

export async function checkPrograms(cli: Cli): Promise<readonly Check[]> {
  const manager = await findManager(cli);
  return Promise.all(TOOLS.map((tool) => checkTool(cli, tool, manager)));
}

async function checkTool(cli: Cli, tool: Tool, manager: Manager | null): Promise<Check> {
  for (const [command = '', ...args] of tool.commands) {
    const ran = await cli.exec(command, args, cli.signal).catch(() => null);
    const version = ran === null || ran.code !== 0 ? null : (ran.stdout + ran.stderr).match(tool.version);
    if (version) return { name: tool.name, state: 'ok', found: `${version[1]} at ${await whereIs(cli, command)}` };
  }
  return { name: tool.name, state: 'missing', found: `not found; ${tool.without}`, fix: howToGet(tool, manager) };
}

function howToGet(tool: Pick<Tool, 'packages' | 'site'>, manager: Manager | null): string {
  const name = manager === null ? undefined : tool.packages[manager];
  return manager === null || name === undefined ? `Get it from ${tool.site}` : `${MANAGERS[manager]} ${name}`;
}

async function whereIs(cli: Cli, command: string): Promise<string> {
  const finder = cli.platform === 'win32' ? 'where' : 'which';
  const ran = await cli.exec(finder, [command], cli.signal).catch(() => null);
  return ran?.stdout.split('\n')[0]?.trim() || command;
}

async function findManager(cli: Cli): Promise<Manager | null> {
  for (const manager of Object.keys(MANAGERS) as Manager[]) {
    const ran = await cli.exec(manager, ['--version'], cli.signal).catch(() => null);
    if (ran?.code === 0) return manager;
  }
  return null;
}
