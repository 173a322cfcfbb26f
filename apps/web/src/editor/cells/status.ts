/** What the line under a cell says: a pure function of its run and the time. */
import type { Translate } from '../parts.ts';
import { isActive, type CellRun } from '../runs.ts';

export type StatusLine = {
  readonly tone: 'wait' | 'run' | 'away' | 'ok' | 'error' | 'quiet';
  /** Drawn before the text, said by the text. */
  readonly icon: '⏳' | '●' | '⚠' | '✓' | '✗' | '■';
  readonly parts: readonly string[];
};

/** The device of a run, where that is another than the one the page comes from. */
export type Where = {
  /** Empty when it is this device, or nobody knows it. */
  readonly name: string;
  /** Unix milliseconds; null while it is there, or when nobody knows. */
  readonly awaySince: number | null;
};

export function statusLine(run: CellRun, now: number, t: Translate, locale: string, where: Where): StatusLine {
  const elsewhere = where.name === '' ? [] : [where.name];
  if (run.silentSince !== null && isActive(run)) {
    const device = where.name === '' ? t('editor.status.itsDevice') : where.name;
    const silent = t('editor.status.silent', { device, time: formatMoment(run.silentSince, now, locale) });
    return { tone: 'away', icon: '⚠', parts: [silent, ...(run.cancelAsked ? [t('editor.status.cancelAsked')] : [])] };
  }
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
      if (run.waitsFor !== '') {
        const { awaySince } = where;
        const since = awaySince === null ? [] : [formatMoment(awaySince, now, locale)];
        const parts = [
          t('editor.status.waitsFor', { device: run.waitsFor }),
          ...since.map((time) => t('editor.status.awaySince', { time })),
        ];
        return { tone: 'wait', icon: '⏳', parts };
      }
      const position = run.queuePosition;
      const waiting =
        position === 0
          ? t('editor.status.next')
          : t('editor.status.queued', { position: ordinal(position + 1, locale) });
      const words = run.state === 'scheduled' ? t('editor.status.starting') : waiting;
      return { tone: 'wait', icon: '⏳', parts: [words, ...elsewhere] };
    }
    case 'running': {
      const question = run.output?.question ?? null;
      if (question !== null) return { tone: 'wait', icon: '●', parts: [t('editor.status.asks'), ...elsewhere] };
      const time = run.startedAt === null ? '' : formatClock(Math.max(0, now - run.startedAt));
      return { tone: 'run', icon: '●', parts: [t('editor.status.running', { time }).trim(), ...elsewhere] };
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

/** `14:02`, or with its day when that is not today. */
function formatMoment(at: number, now: number, locale: string): string {
  const isToday = new Date(at).toDateString() === new Date(now).toDateString();
  const day = isToday ? {} : ({ day: 'numeric', month: 'short' } as const);
  return new Intl.DateTimeFormat(locale, { ...day, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(at);
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
