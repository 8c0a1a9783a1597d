/** Below which ratio usher's work counts as not done, and where it wants to be: the one place where they stand. */

export interface Floor {
  /** Name of the workload whose headline figure is judged. */
  readonly workload: string;
  /** What usher's figure is divided by: that of the better of HAProxy and nginx, of http-proxy, or nothing. */
  readonly against: 'better' | 'http-proxy' | 'nothing';
  /** At most this, or the floor is missed. */
  readonly floor: number;
  readonly goal?: number;
}

export const FLOORS: readonly Floor[] = [
  { workload: 'http', against: 'better', floor: 1.25, goal: 1.0 },
  { workload: 'http', against: 'http-proxy', floor: 0.4 },
  { workload: 'ws64', against: 'better', floor: 1.15, goal: 0.95 },
  { workload: 'conn', against: 'better', floor: 2.5, goal: 1.5 },
  { workload: 'download', against: 'better', floor: 1.2, goal: 1.0 },
  // kB for each WebSocket
  { workload: 'idle', against: 'nothing', floor: 10, goal: 5 },
];
