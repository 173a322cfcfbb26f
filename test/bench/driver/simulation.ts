/** One simulation in a thread of its own, whose memory is bounded and gone afterwards: `workerData` is its scenario. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Scenario } from '@markco/scheduler/simulate/scenario';
import { simulate } from '@markco/scheduler/simulate/simulate';

parentPort?.postMessage(simulate(workerData as Scenario));
