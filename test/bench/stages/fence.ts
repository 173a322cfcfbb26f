/** What the output of a run costs the document it is shown in. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withFolder, type Stage } from '../bench.ts';
import { newRunId, openStream } from '../driver/runs/markco.ts';
import { connect } from '../driver/wire.ts';
import { projectFolder, startDevice } from '../servers/markco.ts';
import { delay, eventually, within } from '../wait.ts';

const LINE_BYTES = 80;
const LINES = 62_500;
const CODE = `for i in range(${LINES}): print(f'{i:0${LINE_BYTES - 1}d}')`;
const LIMIT_MS = 60_000;
/** For an edit that comes after the one that is waited for. */
const AFTER_MS = 1_000;

export const fence: Stage = {
  name: 'run-fence',
  about: 'bytes of edits for 5 MB of output in a document',
  async run(bench) {
    return withFolder(async (folder) => {
      await mkdir(projectFolder(folder), { recursive: true });
      const file = join(projectFolder(folder), 'page.md');
      await writeFile(file, `# Page\n\n\`\`\`python\n${CODE}\n\`\`\`\n`);
      const device = await startDevice(folder);
      try {
        let edits = 0;
        const wire = connect(device.address('page'), { onUpdate: (update) => (edits += update.length) });
        await wire.answered;
        edits = 0;
        const answer = (await (await device.get(`/api/projects/${device.projectId}/documents`)).json()) as {
          documents: { id: string }[];
        };
        const stream = await openStream(device);
        const run = await stream.submit({
          id: newRunId(),
          projectId: device.projectId,
          documentId: answer.documents[0]?.id,
          language: 'python',
          code: CODE,
        });
        let output = 0;
        const over = stream.follow(run.id, 0, (event) => {
          if (event.type === 'stdout') output += Buffer.byteLength(event.payload.text);
        });
        await within('the end of the run', LIMIT_MS, over);
        await eventually('the output in the document', LIMIT_MS, async () =>
          (await readFile(file, 'utf8')).includes('```output') ? true : undefined,
        );
        await delay(AFTER_MS);
        if (output !== LINES * LINE_BYTES) bench.skip(this.name, `${output} bytes of output came`);
        stream.close();
        await wire.cut();
        await fetch(`${device.origin}/api/sessions/${run.sessionId}`, {
          method: 'DELETE',
          headers: { authorization: `Bearer ${device.token}` },
        });
        return [
          {
            stage: this.name,
            measure: 'edits of the document a KB of output, 5 MB of it',
            unit: 'bytes',
            ours: (edits * 1_000) / output,
            peers: {},
            target: { limit: 'at-most', of: 50 },
          },
        ];
      } finally {
        await device.stop();
      }
    });
  },
};
