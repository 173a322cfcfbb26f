/** What `/metrics` of a cloud says, under the names that a device has for the same. Milliseconds carry `_ms` in their name. */
import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';

const FAST_MS = [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 5_000];

export type MetricsFacts = {
  readonly openDocuments: () => number;
  readonly residentBytes: () => number;
  readonly devices: () => number;
  /** Other processes that are heard of. */
  readonly processes: () => number;
  /** Whether the database, or the disk, takes writes. */
  readonly isStoring: () => boolean;
  /** Whether the other processes can be told. */
  readonly isBusUp: () => boolean;
};

export type Metrics = ReturnType<typeof createMetrics>;

export function createMetrics(facts: MetricsFacts) {
  const registry = new Registry();
  const registers = [registry];
  const histogram = (name: string, help: string) => new Histogram({ name, help, buckets: FAST_MS, registers });
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Counter({ name, help, labelNames, registers });

  gauge('open_documents', 'Documents loaded now', facts.openDocuments);
  gauge('resident_bytes', 'Resident memory of this process', facts.residentBytes);
  gauge('devices_online', 'Devices that are connected to this process', facts.devices);
  gauge('other_processes', 'Other processes of this cloud that are heard of', facts.processes);
  gauge('storage_ok', '1 while what is written is saved', () => Number(facts.isStoring()));
  gauge('nats_connected', '1 while the other processes can be told', () => Number(facts.isBusUp()));

  return {
    docOpen: histogram('doc_open_ttfc_ms', 'From the request for a document to its first content, first time'),
    docSwitch: histogram('doc_switch_ttfc_ms', 'From the request for a document to its first content, already loaded'),
    syncRtt: histogram('doc_sync_rtt_ms', 'From an update arriving to its acknowledgement'),
    persist: histogram('log_sync_ms', 'Until the store had one group of updates'),
    updates: counter('document_updates_total', 'Updates taken in; elsewhere: by another process', ['origin']),
    sockets: new Gauge({ name: 'websocket_connections', help: 'Open WebSockets', labelNames: ['kind'], registers }),
    socketErrors: counter('websocket_errors_total', 'WebSockets refused or broken off', ['reason']),
    requestErrors: counter('http_errors_total', 'Requests that failed by a fault of the cloud', ['route']),
    runsRouted: counter('runs_routed_total', 'Where runs were sent', ['host_type', 'reason']),
    remoteRuns: counter('remote_runs_total', 'Runs that ended elsewhere, by what took them', ['target', 'outcome']),
    agentMessagesRefused: counter('agent_messages_refused_total', 'What plain agents said and was not taken', [
      'reason',
    ]),
    deviceChanges: counter('device_transitions_total', 'Devices that came or went', ['to']),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
