/** Words of commands that a person pastes into a POSIX shell. */

/** Quoted where the shell would read more into it than text. Control characters are left out: none has a place in a name of AWS's. */
export function shellWord(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must go
  const clean = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '');
  return /^[\w@%+=:,./-]+$/.test(clean) ? clean : `'${clean.replaceAll("'", "'\\''")}'`;
}

/** `aws elb … --load-balancer-name chat`: constant words as they are, values quoted. */
export function command(words: TemplateStringsArray, ...values: readonly (string | number)[]): string {
  return words.reduce((text, word, index) => `${text}${shellWord(`${values[index - 1]}`)}${word}`);
}
