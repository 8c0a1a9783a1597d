/** What the backend answers, for itself and for those who check it. */

/** Body of `/`. */
export const SMALL_ANSWER = '{"hello":"world"}';

/** Bytes of `/big`, and of an upload to `/sink`, which answers how many came. */
export const BIG_BYTES = 8 * 1024 * 1024;
