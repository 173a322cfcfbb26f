/**
 * Simulations in a thread of their own, whose memory is bounded and gone afterwards: `workerData` is their scenarios, the
 * message it sends what they come to.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { sumOf } from '@markco/scheduler/simulate/report';
import type { Scenario } from '@markco/scheduler/simulate/scenario';
import { simulate } from '@markco/scheduler/simulate/simulate';

const [first, ...others] = workerData as readonly [Scenario, ...Scenario[]];
parentPort?.postMessage(sumOf([simulate(first), ...others.map((scenario) => simulate(scenario))]));
