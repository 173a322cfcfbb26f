/** Says to who may suggest changes where they write them, and leads there and back. */
import { useShell } from '../shell/shell.ts';
import { g } from './messages.ts';

export function GuestBar() {
  const { guest, workspace, router } = useShell();
  const [project, here] = [workspace.project.value, workspace.document.value];
  const { copy, document } = guest ?? {};
  if (copy === undefined || document === undefined || project === undefined || here === undefined) return null;
  const isCopy = here.id === copy.id;
  const other = workspace.documents.value?.find(({ id }) => id === (isCopy ? document : copy).id);
  return (
    <div class="device-bar" role="status">
      <span>{g(isCopy ? 'isCopy' : 'suggestHere')}</span>
      {other !== undefined && (
        <button
          class="quiet-button"
          type="button"
          onClick={() => router.go({ at: 'document', slug: project.slug, path: other.path })}
        >
          {g(isCopy ? 'openPage' : 'openCopy')}
        </button>
      )}
    </div>
  );
}
