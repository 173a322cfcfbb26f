/** Over HTTP: where a run would go, where one went, and why. Who submitted a run knows that, and tells the others. */
import { Failure, type Decision, type DeviceId, type DocumentId, type RunId } from '@markco/protocol';
import { decisionOf, type DecisionRecord } from '@markco/scheduler';
import type { OpenMesh } from '../../mesh/open-mesh.ts';
import type { Others } from '../../mesh/others.ts';
import type { Decisions } from '../../mesh/placing/decisions.ts';
import type { Placing } from '../../mesh/placing/placing.ts';
import type { SomeHandlers } from '@markco/replica/listen/handlers';

/** A device that hosts nothing: which one makes no difference to where its run goes. */
const NO_HOST = '00000000-0000-0000-0000-000000000000' as DeviceId;
/** How long another device may take to say what it knows. */
const ASK_MS = 1_500;

export function placementRoutes({
  others,
}: {
  readonly others: Pick<Others, 'known'>;
}): SomeHandlers<'placement' | 'runDecision'> {
  return {
    async placement({ body }) {
      const open = await others.known();
      if (open === null) throw new Failure('not_found', 'This is your only device: every run goes to it.');
      return decisionOf(await open.placing.preview(body));
    },
    async runDecision({ params }) {
      const id = params['id'] as RunId;
      const open = await others.known();
      const decision = open === null ? null : (decisionHere(open.placing.decisions, id) ?? (await askOthers(open, id)));
      if (decision === null) throw unknown();
      return decision;
    },
  };
}

/** As other devices ask for it: what this one knows itself, and where a run of one that hosts nothing would go. */
export function decisionsForDevices({
  placing,
  hasDocument,
  onAsked,
}: {
  readonly placing: Promise<Pick<Placing, 'decisions' | 'preview'>>;
  /** Whether a document is here, that may say more of where its cells run. */
  readonly hasDocument: (id: DocumentId) => boolean;
  readonly onAsked: (record: DecisionRecord) => void;
}): SomeHandlers<'placement' | 'runDecision'> {
  return {
    async placement({ body: { documentId, ...body } }) {
      const isHere = documentId !== undefined && hasDocument(documentId);
      const record = await (await placing).preview(isHere ? { ...body, documentId } : body, NO_HOST);
      onAsked(record);
      return decisionOf(record);
    },
    async runDecision({ params }) {
      const decision = decisionHere((await placing).decisions, params['id'] as RunId);
      if (decision === null) throw unknown();
      return decision;
    },
  };
}

/** The first that knows. Null when none does, or answers in time. */
async function askOthers({ mesh }: Pick<OpenMesh, 'mesh'>, id: RunId): Promise<Decision | null> {
  const signal = AbortSignal.timeout(ASK_MS);
  const asked = mesh.peers
    .list()
    .filter(({ state }) => state === 'connected')
    .map(({ deviceId }) => mesh.client(deviceId).api('runDecision', { params: { id }, signal }));
  return Promise.any(asked).catch(() => null);
}

function decisionHere(decisions: Decisions, id: RunId): Decision | null {
  const record = decisions.get(id);
  return record === null ? null : decisionOf(record);
}

const unknown = (): Failure =>
  new Failure(
    'not_found',
    'Why this run went where it went is not known here: the device that placed it is away, it is old, or there was no choice.',
  );
