/** Tells usher among the containers of a task, as far as names can. */
import type { Container } from './estate.js';

/** Not `pusher` or `flusher`. */
const USHER = /(?:^|[^a-z])usher(?:[^a-z]|$)/i;

/** Whether the name, the image or the command of a container has the word. */
export function looksLikeUsher({ name, image = '', words }: Container): boolean {
  return [name, image, ...words].some(text => USHER.test(text));
}
