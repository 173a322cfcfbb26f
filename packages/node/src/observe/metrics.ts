/** What `/metrics` says. Milliseconds carry `_ms` in their name; the buckets fit the budgets they watch. */
import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';

const FAST_MS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000];
const SLOW_MS = [1, 5, 10, 25, 50, 100, 200, 300, 500, 1_000, 2_500, 10_000, 60_000];
const RUN_MS = [10, 100, 1_000, 10_000, 60_000, 600_000, 3_600_000];

export type Metrics = ReturnType<typeof createMetrics>;

export function createMetrics(facts: {
  readonly openDocuments: () => number;
  readonly liveDocuments: () => number;
  readonly queuedRuns: () => number;
  readonly residentBytes: () => number;
}) {
  const registry = new Registry();
  const registers = [registry];
  const histogram = (name: string, help: string, buckets: number[]) =>
    new Histogram({ name, help, buckets, registers });
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });

  gauge('open_documents', 'Documents loaded now', facts.openDocuments);
  gauge('live_documents', 'Documents of which a live copy is in memory now', facts.liveDocuments);
  gauge('queued_runs', 'Runs that wait', facts.queuedRuns);
  gauge('resident_bytes', 'Resident memory of this process', facts.residentBytes);

  const traffic = new Counter({
    name: 'mesh_bytes_total',
    help: 'Bytes between this device and others, by protocol; `libp2p`: opening streams',
    labelNames: ['protocol', 'direction'],
    registers,
  });

  return {
    traffic: (protocol: string, direction: 'sent' | 'received', bytes: number) =>
      traffic.inc({ protocol: protocol === '' ? 'libp2p' : protocol, direction }, bytes),
    docOpen: histogram('doc_open_ttfc_ms', 'From the request for a document to its first content, first time', FAST_MS),
    docSwitch: histogram(
      'doc_switch_ttfc_ms',
      'From the request for a document to its first content, already loaded',
      FAST_MS,
    ),
    syncRtt: histogram('doc_sync_rtt_ms', 'From an update arriving to its acknowledgement', FAST_MS),
    fileReflect: histogram('runtime_file_reflect_ms', 'From a file written by somebody else to the document', SLOW_MS),
    projectionLag: histogram('projection_lag_ms', 'From a change of a document to its file', SLOW_MS),
    queueLatency: histogram('run_queue_latency_ms', 'From a run being submitted to its start', SLOW_MS),
    runDuration: histogram('run_duration_ms', 'From the start of a run to its end', RUN_MS),
    logSync: histogram('log_sync_ms', 'One fdatasync of the log', FAST_MS),
    updates: new Counter({
      name: 'document_updates_total',
      help: 'Updates taken in',
      labelNames: ['origin'],
      registers,
    }),
    sockets: new Gauge({ name: 'websocket_connections', help: 'Open WebSockets', labelNames: ['kind'], registers }),
    socketErrors: new Counter({
      name: 'websocket_errors_total',
      help: 'WebSockets refused or broken off',
      labelNames: ['reason'],
      registers,
    }),
    runs: new Counter({
      name: 'runs_total',
      help: 'Runs that ended, by the device they ran on',
      labelNames: ['state', 'host'],
      registers,
    }),
    mirrored: new Gauge({
      name: 'mirror_documents',
      help: 'Documents of which a cloud that is a mirror has less (behind) or something else (ahead)',
      labelNames: ['state'],
      registers,
    }),
    mismatches: new Counter({
      name: 'mirror_mismatches_total',
      help: 'Times that a cloud that is a mirror had something else than this device',
      registers,
    }),
    routed: new Counter({
      name: 'runs_routed_total',
      help: 'Where runs were sent: here, elsewhere, and why',
      labelNames: ['host_type', 'reason'],
      registers,
    }),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
