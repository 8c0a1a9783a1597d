/** All workloads, in the order in which they run. */
import { download, upload } from './bulk.js';
import { conn } from './connection.js';
import { http } from './http.js';
import { idle } from './idle.js';
import { latency } from './latency.js';
import { storm } from './storm.js';
import { ws4k, ws64 } from './websocket-echo.js';
import type { Workload } from './workload.js';

export const WORKLOADS: readonly Workload[] = [http, ws64, ws4k, conn, download, upload, storm, idle, latency];
