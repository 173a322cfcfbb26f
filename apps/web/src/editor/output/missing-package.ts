/** Whether an error says that a package is missing, and what installs it. Pure: words in, a proposal out. */
export type MissingPackage = {
  readonly name: string;
  /** As it is run, or as a person would type it. */
  readonly command: string;
  /** Whether the session itself can run the command. */
  readonly runsHere: boolean;
};

/** What a package is called when it is not called like its module. */
const PYTHON_NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    bs4: 'beautifulsoup4',
    cv2: 'opencv-python',
    dateutil: 'python-dateutil',
    dotenv: 'python-dotenv',
    PIL: 'pillow',
    skimage: 'scikit-image',
    sklearn: 'scikit-learn',
    yaml: 'pyyaml',
  }),
);

/** A module inside a package that is there has a dot; no package is missing then. */
const PYTHON = /No module named (['"]?)([A-Za-z_][A-Za-z0-9_]{0,99})\1$/;
const R = /there is no package called [‘'"`]([A-Za-z][A-Za-z0-9.]{0,99})[’'"`]/;
/** Not a file (`./x`, `/x`), not a module of Node itself. */
const JS = /Cannot find (?:package|module) ['"]((?:@[a-z0-9][\w.-]{0,99}\/)?[a-z0-9][\w.-]{0,99})(?:\/[^'"]*)?['"]/;

export function missingPackage(language: string, type: string, message: string): MissingPackage | null {
  switch (language) {
    case 'python': {
      const module = /^(?:ModuleNotFoundError|ImportError)$/.test(type) ? PYTHON.exec(message.trim())?.[2] : undefined;
      if (module === undefined) return null;
      const name = PYTHON_NAMES.get(module) ?? module;
      return { name, command: `%pip install ${name}`, runsHere: true };
    }
    case 'r': {
      const name = R.exec(message)?.[1];
      return name === undefined ? null : { name, command: `install.packages("${name}")`, runsHere: true };
    }
    case 'js': {
      const name = JS.exec(message)?.[1];
      return name === undefined || name.startsWith('node:')
        ? null
        : { name, command: `npm install ${name}`, runsHere: false };
    }
    default:
      return null;
  }
}
