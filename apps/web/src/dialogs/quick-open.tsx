/** Go to any document by a few letters of its title or path; a new name makes a new document. */
import { t } from '../i18n/words.ts';
import { useShell } from '../shell/shell.ts';
import { readerTitle } from '../tree/reader-title.ts';
import { Picker, type PickerItem } from '../ui/picker.tsx';
import { readPath } from './ask-path.tsx';

export function QuickOpen({ close }: { readonly close: () => void }) {
  const { workspace, router, documents } = useShell();
  const project = workspace.project.value;
  const known = workspace.documents.value ?? [];
  const seen = workspace.document.peek()?.id;
  const items = known
    .toSorted(
      (left, right) =>
        Number(left.id === seen) - Number(right.id === seen) || right.updatedAt.localeCompare(left.updatedAt),
    )
    .map((document) => ({
      id: document.id,
      title: readerTitle(document),
      detail: document.path,
      pick: () => {
        if (project !== undefined) router.go({ at: 'document', slug: project.slug, path: document.path });
      },
    }));
  const create = (query: string): PickerItem | undefined => {
    const read = readPath(query);
    if ('wrong' in read || project === undefined || known.some((document) => document.path === read.path))
      return undefined;
    return {
      id: 'create',
      title: t('createNamed', { name: read.path }),
      detail: '',
      pick: () => void documents.create(read.path),
    };
  };
  return <Picker label={t('quickOpen')} placeholder={t('quickOpenHint')} items={items} create={create} close={close} />;
}
