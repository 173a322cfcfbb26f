/** What the line under a cell says: a pure function of its run and the time. */
import type { Translate } from '../parts.ts';
import type { CellRun } from '../runs.ts';

export type StatusLine = {
  readonly tone: 'wait' | 'run' | 'ok' | 'error' | 'quiet';
  /** Drawn before the text, said by the text. */
  readonly icon: '⏳' | '●' | '✓' | '✗' | '■';
  readonly parts: readonly string[];
};

export function statusLine(run: CellRun, now: number, t: Translate, locale: string): StatusLine {
  const took =
    run.output?.durationMs ?? (run.startedAt !== null && run.endedAt !== null ? run.endedAt - run.startedAt : null);
  const ending = [
    took === null ? '' : formatDuration(took, locale),
    run.host,
    run.endedAt === null
      ? ''
      : new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(run.endedAt),
  ].filter((part) => part !== '');
  switch (run.state) {
    case 'sending':
      return { tone: 'wait', icon: '⏳', parts: [t('editor.status.sending')] };
    case 'queued':
    case 'scheduled': {
      const position = run.queuePosition;
      const waiting =
        position === 0
          ? t('editor.status.next')
          : t('editor.status.queued', { position: ordinal(position + 1, locale) });
      return { tone: 'wait', icon: '⏳', parts: [run.state === 'scheduled' ? t('editor.status.starting') : waiting] };
    }
    case 'running': {
      const question = run.output?.question ?? null;
      if (question !== null) return { tone: 'wait', icon: '●', parts: [t('editor.status.asks')] };
      const time = run.startedAt === null ? '' : formatClock(Math.max(0, now - run.startedAt));
      return { tone: 'run', icon: '●', parts: [t('editor.status.running', { time }).trim()] };
    }
    case 'completed':
      return { tone: 'ok', icon: '✓', parts: ending };
    case 'cancelled':
      return { tone: 'quiet', icon: '■', parts: [t('editor.status.cancelled'), ...ending] };
    case 'failed': {
      const shown = run.errorType === 'KeyboardInterrupt' ? t('editor.status.cancelled') : run.errorType;
      return { tone: 'error', icon: '✗', parts: [shown === '' ? t('editor.status.failed') : shown, ...ending] };
    }
  }
}

/** `340 ms`, `2.3 s`, `1:05`. */
export function formatDuration(ms: number, locale: string): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms >= 60_000) return formatClock(ms);
  return `${new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(ms / 1_000)} s`;
}

/** `0:41`, `1:05:09`. */
export function formatClock(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3_600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

function ordinal(value: number, locale: string): string {
  const rule = new Intl.PluralRules(locale, { type: 'ordinal' }).select(value);
  if (locale.startsWith('fr')) return `${value}${rule === 'one' ? 're' : 'e'}`;
  return `${value}${{ one: 'st', two: 'nd', few: 'rd', zero: 'th', many: 'th', other: 'th' }[rule]}`;
}
