/** Exit codes of every command (sysexits.h). */
export const EXIT = {
  fine: 0,
  failed: 1,
  wrongUsage: 64,
  cannotBind: 69,
  badConfiguration: 78,
} as const;
