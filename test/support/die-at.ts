/**
 * Loaded into a `sluice` before its own code (`NODE_OPTIONS=--import=…`), it ends the process by SIGKILL at a marked
 * point of a call's way: `SLUICE_TEST_DIE_AT="point:3"` the third time that it is come to. The program itself knows
 * nothing of it: what is wrapped are the methods of its classes, and the statements that it sends.
 *
 * The thread of the embedded database loads this too, and would load half of the source with the points.
 */
import { isMainThread } from 'node:worker_threads'

if (isMainThread && process.env.SLUICE_TEST_DIE_AT) await import('./die-at-points.ts')
